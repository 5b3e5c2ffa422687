/** The earliest times of a plan's steps: what would happen if every wait ended at once. Pure. */

import type { Plan } from "./plan.ts";
import { nextOpening, type Window } from "./windows.ts";

/** Times of one step, in milliseconds since 1970. */
export interface StepTimes {
  readonly startsAtMs: number;
  /**
   * The earliest end: the duration is over, and a window is open for the next step. The last step has no next
   * one, so it needs no window.
   */
  readonly endsAtMs: number;
}

/**
 * One entry for each step. The first step begins at `startMs`, also outside the windows, because a person
 * starts the release.
 */
export function timetable(plan: Plan, windows: readonly Window[], startMs: number): readonly StepTimes[] {
  const times: StepTimes[] = [];
  let startsAtMs = startMs;
  for (const [index, { wait }] of plan.steps.entries()) {
    const overMs = startsAtMs + wait.minMs;
    const endsAtMs = index === plan.steps.length - 1 ? overMs : nextOpening(windows, overMs);
    times.push({ startsAtMs, endsAtMs });
    startsAtMs = endsAtMs;
  }
  return times;
}

/** The shortest time from the first step to the last one, in milliseconds, without windows. */
export function leastMs({ steps }: Plan): number {
  return steps.slice(0, -1).reduce((sum, { wait }) => sum + wait.minMs, 0);
}
