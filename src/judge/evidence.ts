/**
 * The evidence E against "the canary changes nothing". While that is true, the probability that E is ever
 * above 1/a is at most a, however often it is looked at (Ville 1939). E overflows, so this file never leaves
 * the logarithms. Pure.
 *
 * E begins again with each segment, mostly with the first, so that a long healthy past does not drown a harm
 * that begins late.
 */

import type { Grid } from "./mixture.ts";
import { hasBothArms, type Segment } from "./segment.ts";

/** The odds ratios that the evidence looks for. */
export const EVIDENCE_GRID: Grid = [
  [1.25, 1 / 12],
  [1.5, 2 / 12],
  [2, 3 / 12],
  [4, 3 / 12],
  [10, 2 / 12],
  [100, 1 / 12],
];

/** A term this far below the largest one, in logarithms, changes no digit of the sum. */
const NEGLIGIBLE = 40;

/** The sum for one odds ratio, from the last segment back to the present one. */
interface RunningSum {
  readonly excess: number;
  readonly logPsi: number;
  /** The cost of a coin of the present segment, on either side. */
  cost: number;
  sum: number;
}

/** The natural logarithm of the evidence of one metric; 0 without segments. At least `-ln(4 J)`. */
export function logEvidence(segments: readonly Segment[]): number {
  const count = segments.length;
  if (count === 0) return 0;
  const sums = EVIDENCE_GRID.map(beginSum);
  // The sum of exponentials so far is `total * exp(top)`.
  let top = -Math.log(4 * count);
  let total = 1;
  let thetaOfCosts = Number.NaN;
  for (let place = count; place >= 1; place--) {
    const segment = segments[place - 1];
    if (segment === undefined) continue;
    const coins = segment.canary + segment.master;
    if (coins > 0 && hasBothArms(segment)) {
      const theta = segment.rollout / (segment.rollout + segment.control);
      // Neighbours mostly belong to one step, and have the same arcs.
      if (theta !== thetaOfCosts) for (const each of sums) each.cost = Math.log1p(each.excess * theta);
      thetaOfCosts = theta;
      for (const each of sums) each.sum += segment.canary * each.logPsi - coins * each.cost;
    }
    const share = logShareFrom(place);
    for (const { sum } of sums) {
      const above = share + sum - top;
      if (above > 0) {
        total = total * Math.exp(-above) + 1;
        top += above;
      } else if (above > -NEGLIGIBLE) total += Math.exp(above);
    }
  }
  return top + Math.log(total);
}

function beginSum([psi, weight]: Grid[number]): RunningSum {
  return { excess: psi - 1, logPsi: Math.log(psi), cost: 0, sum: Math.log(weight) };
}

/** The logarithm of the share of the evidence that begins with this segment. The first one has place 1. */
function logShareFrom(place: number): number {
  return place === 1 ? Math.log(3 / 4) : -Math.log(4 * place * (place - 1));
}
