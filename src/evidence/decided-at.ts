/** The time at which a request was decided, on the store's clock. Pure. */

import type { Outcome } from "../intake/outcome.ts";

/** A time in a report counts if it is at most this far from the one that the daemon knows itself. */
export const REPORTED_OFF_MS_MAX = 60_000;

/** An outcome that comes later than this after its decision counts for nothing. */
export const LATE_MS_MAX = 600_000;

/**
 * @param nowMs the arrival of the report by the store's clock, in milliseconds since 1970
 * @returns by the same clock
 */
export function decidedAtMs(outcome: Outcome, nowMs: number): number {
  const { durationMs, decidedAtMs: reported } = outcome;
  const ownMs = nowMs - (durationMs > 0 ? durationMs : 0);
  const isNear = reported !== undefined && Math.abs(reported - ownMs) <= REPORTED_OFF_MS_MAX;
  return isNear ? reported : ownMs;
}
