/**
 * Sums of numbers that are known by their logarithms, and mixtures of likelihood ratios. All logarithms are
 * natural. Pure.
 */

import { logLikelihoodRatio } from "./likelihood.ts";
import type { Segment } from "./segment.ts";

/** Values of a parameter, each with its weight. The weights sum to 1. */
export type Grid = readonly (readonly [value: number, weight: number])[];

/** The logarithm of the sum of the exponentials of `terms`; -Infinity for none. */
export function logSum(terms: readonly number[]): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const term of terms) if (term > top) top = term;
  if (!Number.isFinite(top)) return top;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - top);
  return top + Math.log(sum);
}

/** The logarithm of the mean likelihood ratio of the odds ratios in the grid against 1. */
export function logMixture(grid: Grid, segments: readonly Segment[]): number {
  return logSum(grid.map(([psi, weight]) => Math.log(weight) + logLikelihoodRatio(psi, segments)));
}
