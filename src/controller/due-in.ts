/** When a release can be due next. Pure. */

import type { Condition } from "../releases/due.ts";

/** A condition that another program decides is looked at this often. It lies in memory, so this is cheap. */
export const POLL_MS = 5_000;

/** While all releases are frozen, the store is asked this often whether they still are. */
export const FREEZE_POLL_MS = 15_000;

/**
 * The shortest time in milliseconds after which all conditions can be met, or one of them is inconclusive.
 * Infinity if something must change first: then a reading or a person says so.
 *
 * @param sinceLookMs the time since the look from which the conditions come
 * @param opensInMs   the time to the next window from now
 */
export function dueInMs(
  conditions: readonly Condition[],
  sinceLookMs: number,
  opensInMs: () => number,
): number {
  let allInMs = 0;
  let inconclusiveInMs = Number.POSITIVE_INFINITY;
  for (const condition of conditions) {
    if (condition.state === "met") continue;
    if (condition.state === "inconclusive") return 0;
    switch (condition.kind) {
      case "time": {
        const { ofMs, passedMs, watchMs, watchedMs } = condition;
        allInMs = Math.max(allInMs, Math.max(ofMs - passedMs, watchMs - watchedMs) - sinceLookMs);
        break;
      }
      case "ok":
        allInMs = Number.POSITIVE_INFINITY;
        if (condition.ofMs !== undefined) {
          const leftMs = condition.ofMs - condition.passedMs - sinceLookMs;
          // The bound has passed by the store's clock, but the daemon has not watched for long enough.
          inconclusiveInMs = leftMs > 0 ? leftMs : POLL_MS;
        }
        break;
      case "check":
      case "evidence":
        allInMs = Math.max(allInMs, POLL_MS);
        break;
      case "freeze":
        allInMs = Math.max(allInMs, FREEZE_POLL_MS);
        break;
      case "windows":
        allInMs = Math.max(allInMs, condition.state === "unknown" ? Number.POSITIVE_INFINITY : opensInMs());
        break;
      default:
        allInMs = Number.POSITIVE_INFINITY;
    }
  }
  return Math.min(allInMs, inconclusiveInMs);
}
