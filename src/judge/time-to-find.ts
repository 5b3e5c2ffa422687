/** How long the judge typically needs to find a harm. Pure. */

import { ABORT_BAR } from "./abort.ts";

/** The evidence overshoots and hesitates: on average this much more is needed, as simulated. */
const OVERSHOOT = 0.6;

export interface Pace {
  readonly rollout: number;
  readonly control: number;
  /** The coins of this metric a minute in both arms together, while the canary is sound. */
  readonly coinsPerMinute: number;
  /** The weight of the metric. */
  readonly weight: number;
}

/**
 * The minutes until `psi` times as many hurt visitors are found, typically. Nine of ten are found within
 * twice that. Infinity if there are no coins.
 *
 * @param psi above 1
 */
export function minutesToFind(
  psi: number,
  { rollout, control, coinsPerMinute, weight }: Pace,
  bar: number = ABORT_BAR,
): number {
  const theta = rollout / (rollout + control);
  const shifted = (psi * theta) / (1 + (psi - 1) * theta);
  // The evidence in each coin that falls on the canary.
  const gain = Math.log(psi) - Math.log1p((psi - 1) * theta) / shifted;
  return (1 + (bar - Math.log(weight) + OVERSHOOT) / gain) / (coinsPerMinute * theta * psi);
}
