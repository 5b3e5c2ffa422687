/**
 * Aborts the releases that alerts name, by the same code as the commands. It is done at most once for each
 * release: the second time there is nothing to abort.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { releasesUnderWay } from "../records/beside-release.ts";
import { checkRecord } from "../records/check.ts";
import { releaseIn } from "../records/release-in.ts";
import type { Release } from "../releases/release.ts";
import { releaseName } from "../releases/sentence.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { abandoned, unlessAborted } from "../stores/shared/abort.ts";
import { type Snapshot, type Store, StoreError } from "../stores/store.ts";
import { oneLine } from "../text/one-line.ts";
import { type Carrying, carryOut, type VerbOutcome } from "../verbs/carry-out.ts";
import { drawKey } from "../verbs/draw-key.ts";
import type { Target } from "../verbs/look.ts";
import { unwrittenWords, wordsOf } from "../verbs/words.ts";
import { abortReasonText, alertNames } from "./abort-reason.ts";
import type { AbortAlert } from "./read-alerts.ts";
import { shortName } from "./short-name.ts";

/** An application that takes longer is given up, and Alertmanager sends its alerts again. */
const ABORT_MS_MAX = 10_000;

/**
 * The same for all applications of one body. It is less than the admin listener gives an answer. Without it,
 * a store that hangs would keep each body for minutes, and Alertmanager sends a new one again and again.
 */
export const ALL_ABORTS_MS_MAX = 20_000;

/** The applications of one body that are worked on at the same time. */
export const AT_ONCE_MAX = 8;

/**
 * `nothing`: the alert concerns no release that is under way. `refused`: a person has to act. `unavailable`:
 * the store failed, so it is worth another try.
 */
export type AbortKind = "aborted" | "nothing" | "refused" | "unavailable";

export interface AbortResult {
  readonly kind: AbortKind;
  readonly application: string;
  readonly version: string | undefined;
  /** One safe line. */
  readonly text: string;
}

export interface AbortParts {
  readonly store: Store;
  /** For the commands in the words. */
  readonly storeFlags: StoreFlags;
  /** The author of the records. */
  readonly author: string;
  readonly receiver: string;
  /** Whether the daemon serves this application. It aborts no other one. */
  readonly isServed: (application: string) => boolean;
  /** Aborts after this time, in milliseconds. */
  readonly timeLimit: (ms: number) => AbortSignal;
}

/** One result or more for each application. Rejects with a fault of this program alone. */
export async function abortReleases(
  alerts: readonly AbortAlert[],
  parts: AbortParts,
): Promise<readonly AbortResult[]> {
  const all = parts.timeLimit(ALL_ABORTS_MS_MAX);
  const byApplication = Array.from(Map.groupBy(alerts, ({ application }) => application));
  const results: (readonly AbortResult[])[] = byApplication.map(() => []);
  const waiting = byApplication.entries();
  // If one application hangs, the others do not wait for it.
  const work = async () => {
    for (const [index, [application, own]] of waiting) {
      results[index] = await abortIn(application, own, parts, all);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, work));
  return results.flat();
}

async function abortIn(
  application: string,
  alerts: readonly AbortAlert[],
  parts: AbortParts,
  all: AbortSignal,
): Promise<readonly AbortResult[]> {
  if (!parts.isServed(application)) {
    // A name that this daemon does not know may be of any length.
    const name = shortName(application);
    const text = `this daemon does not serve ${name}; nothing was written`;
    return [{ kind: "nothing", application: name, version: undefined, text }];
  }
  const result = (kind: AbortKind, text: string, version?: string): AbortResult => ({
    ...{ kind, application: oneLine(application), version, text: oneLine(text) },
  });
  const signal = AbortSignal.any([all, parts.timeLimit(ABORT_MS_MAX)]);
  try {
    signal.throwIfAborted();
    const snapshot = await unlessAborted(signal, parts.store.read(application, signal));
    const results: AbortResult[] = [];
    for (const [version, release] of releasesUnderWay(snapshot)) {
      const named = alerts.filter((alert) => names(alert, version, release));
      if (named.length === 0) continue;
      const due = named.filter(({ beganAtMs }) => beganAtMs >= startOf(release));
      const target = { application, version };
      if (due.length > 0)
        results.push({ ...(await abortOne(target, release, due, parts, signal)), ...target });
      else results.push(result("nothing", earlierText(application, release, named), version));
    }
    results.push(
      ...unreadable(snapshot, alerts).map((version) => result("refused", unreadableText(version), version)),
    );
    return results.length > 0 ? results : [result("nothing", `no release of ${application} is under way`)];
  } catch (error) {
    const fault = signal.aborted ? abandoned(signal) : error;
    if (!(fault instanceof StoreError)) throw fault;
    const { text } = unwrittenWords(fault, { verb: "abort" });
    return [result("unavailable", text)];
  }
}

function names({ version, key }: AbortAlert, of: string, release: Release): boolean {
  return (version === undefined || version === of) && (key === undefined || key === release.key);
}

/** An alert that fired before has nothing to do with this release. */
function startOf({ arcs, since }: Release): number {
  return arcs[0]?.[0] ?? Date.parse(since);
}

function earlierText(application: string, release: Release, alerts: readonly AbortAlert[]): string {
  return `${alertNames(alerts)} began before ${releaseName(application, release)}, so it goes on`;
}

/** Versions with visitors, and with a release of which this program cannot know when it began. */
function unreadable(snapshot: Snapshot, alerts: readonly AbortAlert[]): string[] {
  return Array.from(snapshot)
    .filter(([version]) => alerts.some((alert) => alert.version === undefined || alert.version === version))
    .filter(
      ([version, { value }]) =>
        checkRecord(version, value).arc.rollout > 0 && releaseIn(value).kind === "problem",
    )
    .map(([version]) => version);
}

function unreadableText(version: string): string {
  return `this program cannot read the release of ${version}; nothing was written: maxwells-daemon abort`;
}

/** It is pinned to the release that was seen, so a release that a person begins meanwhile goes on. */
async function abortOne(
  target: Target,
  { key }: Release,
  due: readonly AbortAlert[],
  { store, storeFlags, author, receiver, timeLimit }: AbortParts,
  signal: AbortSignal,
): Promise<Pick<AbortResult, "kind" | "text">> {
  const reason = abortReasonText(due, receiver);
  const request = { verb: "abort", key, reason } as const;
  const carrying: Carrying = {
    ...{ store, author, why: reason, signal, drawKey, wallClock: Date.now, random: Math.random },
    pause: (ms) => sleep(ms),
    timeLimit,
  };
  const outcome = await carryOut(target, () => request, carrying);
  const { text } = wordsOf(outcome, { target, request, address: store.address, storeFlags });
  return { kind: kindOf(outcome), text };
}

function kindOf(outcome: VerbOutcome): AbortKind {
  switch (outcome.kind) {
    case "written":
      return "aborted";
    case "unchanged":
      return "nothing";
    case "refused":
      return outcome.code === "replaced" ? "nothing" : "refused";
    case "failed":
    case "unsure":
    case "conflict":
      return "unavailable";
    case "misused":
    case "read-only":
      return "refused";
  }
}
