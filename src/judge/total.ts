/**
 * Several metrics share one budget of false aborts (Bonferroni). It is not a mean: the metrics see each
 * other's visitors, and the theorem does not cover a mean of their evidence (Choe and Ramdas 2024). Pure.
 */

import { logEvidence } from "./evidence.ts";
import type { Segment } from "./segment.ts";

/** A metric of a release, with its part of the budget. */
export interface WeightedSegments {
  /** In (0, 1]. The weights of all metrics of a release sum to 1. */
  readonly weight: number;
  readonly segments: readonly Segment[];
}

/** `ln(weight) + ln E`: the evidence of one metric in its part of the budget. */
export function logWeighted({ weight, segments }: WeightedSegments): number {
  return Math.log(weight) + logEvidence(segments);
}

/** The strongest evidence of all metrics, each in its part of the budget; -Infinity without metrics. */
export function logTotal(metrics: readonly WeightedSegments[]): number {
  let total = Number.NEGATIVE_INFINITY;
  for (const metric of metrics) total = Math.max(total, logWeighted(metric));
  return total;
}
