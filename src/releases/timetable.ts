/** The earliest times of a plan's steps: what would happen if every wait ended at once. Pure. */

import { STEP_MS_MIN } from "../judge/verdict.ts";
import { exactDurationText } from "../text/amounts.ts";
import type { Plan, Step } from "./plan.ts";
import { nextOpening, type Window } from "./windows.ts";

/** Times of one step, in milliseconds since 1970. */
export interface StepTimes {
  readonly startsAtMs: number;
  /**
   * The earliest end: the duration is over, the judge may pass the step, and a window is open for the next
   * one. The last step has no next one, so it needs no window.
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
  for (const [index, step] of plan.steps.entries()) {
    const overMs = startsAtMs + leastOf(step);
    const endsAtMs = index === plan.steps.length - 1 ? overMs : nextOpening(windows, overMs);
    times.push({ startsAtMs, endsAtMs });
    startsAtMs = endsAtMs;
  }
  return times;
}

/** The shortest time from the first step to the last one, in milliseconds, without windows. */
export function leastMs({ steps }: Plan): number {
  return steps.slice(0, -1).reduce((sum, step) => sum + leastOf(step), 0);
}

/** The shortest time of one step: before `STEP_MS_MIN` the judge passes none. */
export function leastOf({ wait }: Step): number {
  return wait.ok === undefined ? wait.minMs : Math.max(wait.minMs, STEP_MS_MIN);
}

/** A sentence about a step whose bound of `ok` is too short; undefined if there is none. */
export function neverOkSentence({ steps }: Plan): string | undefined {
  const step = steps.findIndex(({ wait }) => (wait.ok?.boundMs ?? Number.POSITIVE_INFINITY) <= STEP_MS_MIN);
  const boundMs = steps[step]?.wait.ok?.boundMs;
  if (boundMs === undefined) return undefined;
  const least = exactDurationText(STEP_MS_MIN);
  return (
    `step ${step + 1} cannot be ok within ${exactDurationText(boundMs)}, because the judge passes no step before ${least}; ` +
    `write a bound above ${least}`
  );
}
