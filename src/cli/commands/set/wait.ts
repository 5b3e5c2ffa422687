/** Waits until each daemon says at its admin listener that it has a record that was written. */

import { setTimeout as sleep } from "node:timers/promises";
import { type HostPort, hostPortText } from "../../../address.ts";
import { AdminError, fetchState } from "../../../admin/client/fetch-state.ts";
import { isSameArc } from "../../../circle.ts";
import { type Option, Problem } from "../../../config/option.ts";
import { parseDuration, single } from "../../../config/values.ts";
import type { ShownRecord } from "../../../records/shown.ts";
import { rolloutText } from "../../../text/amounts.ts";

/** Between two questions to one daemon. */
const POLL_MS = 200;

/** One answer of an admin listener. */
const ANSWER_TIMEOUT_MS = 2_000;

/** No question is asked with less time than this. */
const ANSWER_MIN_MS = 300;

const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 600_000;

export const wait: Option<number | undefined> = single<number | undefined>(
  {
    name: "wait",
    placeholder: "DURATION",
    impliedText: "20s",
    summary: "then wait until the daemon at each -admin has it, at most this long: 20s without a value",
    flagOnly: true,
  },
  (text) => {
    const ms = parseDuration(text);
    return typeof ms === "number" && (ms < WAIT_MIN_MS || ms > WAIT_MAX_MS)
      ? new Problem("write a duration from 1s to 10m")
      : ms;
  },
);

/** Whether one daemon follows. */
export interface Follower {
  /** `HOST:PORT`. */
  readonly admin: string;
  readonly follows: boolean;
  /** Its rollout, or why it cannot be asked; empty if it follows. */
  readonly instead: string;
}

/** Resolves when all daemons have the record, or when the time is over. */
export async function waitForDaemons(
  addresses: readonly HostPort[],
  record: ShownRecord,
  timeoutMs: number,
): Promise<readonly Follower[]> {
  const untilMs = performance.now() + timeoutMs;
  return Promise.all(addresses.map((address) => waitForOne(address, record, untilMs)));
}

async function waitForOne(address: HostPort, record: ShownRecord, untilMs: number): Promise<Follower> {
  const admin = hostPortText(address);
  for (;;) {
    const leftMs = untilMs - performance.now();
    const instead = await differenceAt(address, record, Math.min(ANSWER_TIMEOUT_MS, leftMs));
    // A question that has no time left would be answered by its own deadline, and say nothing of the daemon.
    const isLast = performance.now() + POLL_MS + ANSWER_MIN_MS > untilMs;
    if (instead === "" || isLast) return { admin, follows: instead === "", instead };
    await sleep(POLL_MS);
  }
}

/** How a daemon differs from the record; empty if it does not. */
async function differenceAt(address: HostPort, record: ShownRecord, timeoutMs: number): Promise<string> {
  try {
    const { applications } = await fetchState(address, timeoutMs);
    const application = applications.find(({ name }) => name === record.application);
    if (application === undefined) return `it does not serve ${record.application}`;
    if (!application.fresh) return "its rollouts are stale";
    const arc = application.arcs.find(({ version }) => version === record.version);
    if (arc === undefined) return `it knows no ${record.version}`;
    return isSameArc(arc, record)
      ? ""
      : `it has ${rolloutText(arc.rollout)}, offset ${arc.offset}, failsafe ${arc.failsafe}`;
  } catch (error) {
    if (error instanceof AdminError) return error.message;
    throw error;
  }
}
