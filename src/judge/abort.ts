/** When the judge takes a canary back. Pure. */

import { coinsIn } from "./segment.ts";
import { logWeighted, type WeightedSegments } from "./total.ts";

/** A canary that changes nothing is taken back with at most this probability per release. */
export const ALPHA = 0.05;

/** `ln(weight) + ln E` of a metric has to reach this: ln(1 / ALPHA). */
export const ABORT_BAR = -Math.log(ALPHA);

/** A metric has to have hurt this many visitors of the canary, because two may be one unlucky household. */
export const HURT_MIN = 3;

/** The evidence of one metric of a release. */
export interface MetricEvidence {
  readonly name: string;
  readonly weight: number;
  /** `ln(weight) + ln E`. */
  readonly logWeighted: number;
  /** The visitors of the canary, and of master, who met something bad, over all segments. */
  readonly canary: number;
  readonly master: number;
}

export function evidenceOf(metric: WeightedSegments & { readonly name: string }): MetricEvidence {
  const { name, weight, segments } = metric;
  return { name, weight, logWeighted: logWeighted(metric), ...coinsIn(segments) };
}

/** Whether this metric alone takes the canary back. It is looked at after each coin. */
export function isHarm({ logWeighted, canary }: MetricEvidence): boolean {
  return canary >= HURT_MIN && logWeighted >= ABORT_BAR;
}
