/** A fade: the rollout falls slowly to 0 after a release has ended, so that a cold master can warm up. */

import type { Fade } from "./release.ts";

/** Rollouts of a fade are multiples of 1/1000, because a slice of Traefik is as small. */
const PARTS = 1_000;

/**
 * The rollout that a fade has reached: from `from` down to 0. It never grows with time. A clock that went
 * back gives a greater result than before, so a writer takes the record's rollout if that is less.
 */
export function fadedRollout([from, sinceMs, durationMs]: Fade, nowMs: number): number {
  const part = (nowMs - sinceMs) / durationMs;
  if (!(part < 1)) return 0;
  return part <= 0 ? from : Math.min(from, Math.floor(from * (1 - part) * PARTS) / PARTS);
}

/**
 * The time at which a fade has fallen to this rollout, by the clock of its beginning. A writer whose own
 * clock may be wrong by hours counts on from there: the fade neither ends at once nor stands still.
 */
export function fadeTimeMs([from, sinceMs, durationMs]: Fade, rollout: number): number {
  return sinceMs + durationMs * (from > 0 ? 1 - Math.min(1, rollout / from) : 1);
}

/**
 * The time of a fade: that of the writer's clock. If that clock went back, the fade goes on from the rollout
 * that it has reached, by the time that the writer saw pass. Law 10: the way down does not wait for a clock.
 *
 * @param seenMs for how long the writer has seen this rollout
 */
export function fadeNowMs(fade: Fade, rollout: number, clockMs: number, seenMs: number): number {
  const [from, , durationMs] = fade;
  const reachedMs = fadeTimeMs(fade, rollout);
  // A rollout is cut to whole parts, so the clock that wrote it may be behind it by the time of one part.
  const partMs = durationMs / (from * PARTS);
  return clockMs + partMs < reachedMs ? reachedMs + seenMs : clockMs;
}

/** A fade is written this often, and at most `FADE_STEPS` times. */
const FADE_STEP_MS_MIN = 1_000;
const FADE_STEPS = 100;

/** The time from one step of a fade to the next, in milliseconds. */
export function fadeStepMs([, , durationMs]: Fade): number {
  return Math.max(FADE_STEP_MS_MIN, durationMs / FADE_STEPS);
}
