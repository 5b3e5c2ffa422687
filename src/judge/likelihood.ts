/** How much better an odds ratio explains the coins than chance does. Pure. */

import { hasBothArms, type Segment } from "./segment.ts";

/**
 * The log likelihood ratio of the odds ratio `psi` against 1.
 *
 * @param psi above 0: how many times as likely a visitor of the canary meets something bad
 */
export function logLikelihoodRatio(psi: number, segments: readonly Segment[]): number {
  const logPsi = Math.log(psi);
  let sum = 0;
  for (const segment of segments) {
    if (!hasBothArms(segment)) continue;
    const { rollout, control, canary, master } = segment;
    const theta = rollout / (rollout + control);
    sum += canary * logPsi - (canary + master) * Math.log1p((psi - 1) * theta);
  }
  return sum;
}
