/**
 * An arc in whole numbers, as HAProxy's converters can compute with it: they know integers of 64 bits and no fractions.
 *
 * The circle has 10^18 steps, and a visitor stands on the step that the first eighteen decimals of its assignment name.
 * That is as many as the integers hold, and more than the shortest spelling of a number has from 0.01 on. Where an arc
 * begins and ends is not computed but looked for, with the very function that the daemon decides with: rounding is
 * monotone, so the steps that an arc covers are neighbours, and each of them is placed as the daemon places its number.
 */

import { covers } from "../../rollout.ts";

const DECIMALS = 18;

/** Steps on the circle. */
export const STEPS = 10n ** BigInt(DECIMALS);

/** A visitor on step `n` is in it while (n - start) mod `STEPS` < length. */
export interface ScaledArc {
  readonly start: bigint;
  readonly length: bigint;
}

/**
 * @param offset  in [0, 1)
 * @param rollout in [0, 1]
 */
export function scaleArc(offset: number, rollout: number): ScaledArc {
  if (rollout === 1) return { start: 0n, length: STEPS };
  const isOutside = (step: bigint) => !covers(offset, rollout, assignmentOf(step));
  const start = firstStep(0n, STEPS, (step) => assignmentOf(step) >= offset);
  const end = firstStep(start, STEPS, isOutside);
  const aroundZero = firstStep(0n, start, isOutside);
  return { start, length: end - start + aroundZero };
}

/** The assignment that a step's decimals spell. */
export function assignmentOf(step: bigint): number {
  return Number(`0.${step.toString().padStart(DECIMALS, "0")}`);
}

/** The first step in [from, to) where `holds`, which goes on to hold from there; `to` where there is none. */
function firstStep(from: bigint, to: bigint, holds: (step: bigint) => boolean): bigint {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) / 2n;
    if (holds(middle)) high = middle;
    else low = middle + 1n;
  }
  return low;
}
