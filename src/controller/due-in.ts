/** When a release can be due next. Pure. */

import type { Condition } from "../releases/due.ts";

/** While all releases are frozen, the store is asked this often whether they still are. */
export const FREEZE_EVERY_MS = 15_000;

/** The bound of `ok` has passed by the store's clock, but the daemon has not watched for long enough. */
const BOUND_EVERY_MS = 5_000;

export interface DueTimes {
  /** The time since the look from which the conditions come. */
  readonly sinceLookMs: number;
  /** The time since the last attempt; Infinity if there was none. */
  readonly sinceTriedMs: number;
  /** The time to the next window from now. */
  readonly opensInMs: () => number;
}

/**
 * The shortest time in milliseconds after which all conditions can be met, or one of them is inconclusive. It
 * is negative if that was possible before, and -Infinity if nothing says since when. It is Infinity if
 * something must change first: then a reading, a check or a person says so.
 */
export function dueInMs(conditions: readonly Condition[], times: DueTimes): number {
  if (conditions.some(({ state }) => state === "inconclusive")) return 0;
  const metInMs = conditions.map((condition) => metIn(condition, times));
  return Math.min(Math.max(...metInMs), ...conditions.map((condition) => boundIn(condition, times)));
}

function metIn(condition: Condition, { sinceLookMs, sinceTriedMs, opensInMs }: DueTimes): number {
  if (condition.state === "met" && condition.kind !== "time") return Number.NEGATIVE_INFINITY;
  switch (condition.kind) {
    case "time": {
      const { ofMs, passedMs, watchMs, watchedMs } = condition;
      return Math.max(ofMs - passedMs, watchMs - watchedMs) - sinceLookMs;
    }
    case "freeze":
      return FREEZE_EVERY_MS - sinceTriedMs;
    case "windows":
      return opensInMs();
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function boundIn(condition: Condition, { sinceLookMs, sinceTriedMs }: DueTimes): number {
  if (condition.kind !== "ok" || condition.ofMs === undefined || condition.state === "met") {
    return Number.POSITIVE_INFINITY;
  }
  const leftMs = condition.ofMs - condition.passedMs - sinceLookMs;
  return leftMs > 0 ? leftMs : Math.max(0, BOUND_EVERY_MS - sinceTriedMs);
}
