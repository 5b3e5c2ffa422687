/**
 * Signs say that the experiment is not what it seems. A raised sign holds a release and says why, until a
 * person clears it. It never aborts. Pure.
 */

import { type Grid, logMixture } from "./mixture.ts";
import type { Segment } from "./segment.ts";

/**
 * `split`: assignments are not spread as the arcs say. `back`: visitors do not return from the canary, or it
 * loses their cookie. `place`: proxies do not do what is configured. `crowd`: many visitors have one
 * assignment, because a cached page hands out its cookie.
 */
export const SIGNS = ["split", "back", "place", "crowd"] as const;
export type Sign = (typeof SIGNS)[number];

/** A sound experiment raises `split`, and `back`, with at most this probability. */
export const SIGN_ALPHA = 0.001;

const SIGN_BAR = -Math.log(SIGN_ALPHA);

/** A visitor is back if it is seen again this long after it was first seen, or later; in milliseconds. */
export const BACK_MS = 60_000;

/** More visitors in an arc than it should have are as odd as fewer. */
export const SPLIT_GRID: Grid = [0.25, 0.5, 0.8, 1.25, 2, 4].map((psi) => [psi, 1 / 6] as const);

/** Only too few are odd. */
export const BACK_GRID: Grid = [0.8, 0.5, 0.2, 0.05].map((psi) => [psi, 1 / 4] as const);

/** This many cells at a wrong location, and this share of all that were seen, raise `place`. */
export const MISPLACED_MIN = 5;
export const MISPLACED_SHARE = 0.005;

/** One assignment with more than this share of the decisions of a step raises `crowd`. */
export const CROWD_SHARE = 0.05;

/** With fewer decisions in the step, one busy visitor has such a share. */
export const CROWD_DECISIONS_MIN = 10_000;

/** @param seen the assignments that were first seen in each segment, by their side */
export function isSplit(seen: readonly Segment[]): boolean {
  return logMixture(SPLIT_GRID, seen) >= SIGN_BAR;
}

/** @param back the assignments that were first seen again in each segment, by their side */
export function isBack(back: readonly Segment[]): boolean {
  return logMixture(BACK_GRID, back) >= SIGN_BAR;
}

/**
 * @param misplaced the cells whose location was another one than that of their arc
 * @param seen all cells that were seen in the release
 */
export function isPlace(misplaced: number, seen: number): boolean {
  return misplaced >= Math.max(MISPLACED_MIN, MISPLACED_SHARE * seen);
}

/**
 * @param most the decisions of the busiest assignment in this step
 * @param decisions all decisions of the step
 */
export function isCrowd(most: number, decisions: number): boolean {
  return decisions >= CROWD_DECISIONS_MIN && most > CROWD_SHARE * decisions;
}
