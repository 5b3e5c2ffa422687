/**
 * A record with `"failsafe": "hold"`: the store is away, master's servers are gone, and nothing changes for
 * visitors of the version that holds.
 */

import { expect } from "bun:test";
import type { Records } from "../../support/daemon-process.ts";
import { eventually } from "../../support/eventually.ts";
import type { Case } from "./case.ts";
import type { Rig } from "./rig.ts";

/** The canary has the whole circle, and holds. */
const HELD = { rollout: 1, failsafe: "hold" } as { rollout: number };

/**
 * Few, because a proxy that asks waits only milliseconds. If its answer is late, master is gone for that
 * visitor.
 */
const VISITORS = 4;
const REQUESTS_MIN = 10_000;

/**
 * How long a visitor may not lose its place after the snapshot became unhealthy, however short leases are.
 */
const STALE_MIN_MS = 3_000;

/** A visit that was not decided in time is not the store's matter; on a busy machine a few of them are. */
const LATE_SHARE_MAX = 0.01;

const hold: Case = {
  id: "hold",
  title:
    "a version that holds keeps its visitors while the store and master's servers are gone: not one error",
  timeoutMs: 180_000,
  async run(rig) {
    await rig.restartDaemon(["-unhealthy", "1s"]);
    await withoutMaster(rig, { canary: HELD }, 10 * rig.integration.graceMs, REQUESTS_MIN);
  },
};

const holdInPart: Case = {
  id: "hold-in-part",
  title:
    "if a second version does not hold, it ends without the store, and no visitor of the first one moves",
  timeoutMs: 180_000,
  async run(rig) {
    await rig.restartDaemon(["-unhealthy", "4s"]);
    const blue = { rollout: 0.1, offset: 0.5 } as { rollout: number };
    await withoutMaster(rig, { canary: HELD, blue }, rig.integration.graceMs, REQUESTS_MIN / 10);
  },
};

/**
 * All visitors are at the canary. Then master's servers end, and the store goes away, for this long and this
 * many requests.
 */
async function withoutMaster(
  rig: Rig,
  records: Records,
  staleMs: number,
  requestsMin: number,
): Promise<void> {
  rig.write(records);
  await rig.daemon.follows("canary", 1);
  await rig.becomes(0.9, "canary");
  await rig.settles();
  rig.stopMaster();
  const lastsMs = Math.max(STALE_MIN_MS, staleMs);
  const load = new Load(rig, requestsMin / lastsMs);
  const running = load.run();
  try {
    rig.home.loseStore();
    await eventually(async () => (await isStale(rig)) || load.hasFailed, "the snapshot is unhealthy");
    const untilMs = performance.now() + lastsMs;
    const requests = load.sent + requestsMin;
    while (!load.hasFailed && (performance.now() < untilMs || load.sent < requests)) await Bun.sleep(20);
    expect(await isStale(rig)).toBe(true);
  } finally {
    load.stop();
    await running;
    rig.startMaster();
    rig.write({ canary: 0.25 });
    await rig.restartDaemon();
  }
  expect([...load.errors]).toEqual([]);
  expect(load.late).toBeLessThan(load.sent * LATE_SHARE_MAX);
}

async function isStale(rig: Rig): Promise<boolean> {
  return (await rig.daemon.state()).applications[0]?.fresh === false;
}

/** Visitors of every assignment, who may only be served by the canary. */
class Load {
  readonly #rig: Rig;
  readonly errors = new Map<string, number>();
  sent = 0;
  /** Visits that a proxy that asks served only when they were made again. */
  late = 0;
  readonly #pauseMs: number;
  #isOver = false;

  /** @param perMs all visitors make as many requests a millisecond, or a few more */
  constructor(rig: Rig, perMs: number) {
    this.#rig = rig;
    this.#pauseMs = Math.floor((0.8 * VISITORS) / perMs);
  }

  get hasFailed(): boolean {
    return this.errors.size > 0;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: VISITORS }, () => this.#visitor()));
  }

  stop(): void {
    this.#isOver = true;
  }

  async #visitor(): Promise<void> {
    while (!this.#isOver && !this.hasFailed) {
      const assignment = (this.sent++ % 1_000) / 1_000;
      const error = await this.#errorOf(assignment);
      if (this.#pauseMs > 0) await Bun.sleep(this.#pauseMs);
      if (error === undefined) continue;
      // A proxy that decides by itself has no excuse.
      const isLate = this.#rig.integration.changeMs === 0 && (await this.#isServedLater(assignment));
      if (isLate) this.late++;
      else this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
    }
  }

  async #errorOf(assignment: number): Promise<string | undefined> {
    try {
      const { status, name } = await this.#rig.known(assignment);
      return name === "canary" ? undefined : `status ${status} from ${name || "no version"}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #isServedLater(assignment: number): Promise<boolean> {
    for (let again = 0; again < 15; again++) {
      await Bun.sleep(150);
      if ((await this.#errorOf(assignment)) === undefined) return true;
    }
    return false;
  }
}

export const HOLD: readonly Case[] = [hold, holdInPart];
