/**
 * How many times as likely a visitor of the canary meets something bad: an estimate, and an interval that
 * holds at all times at once (a confidence sequence, Waudby-Smith and Ramdas 2020). Pure.
 */

import { ALPHA } from "./abort.ts";
import { logSum } from "./mixture.ts";
import { hasBothArms, type Segment } from "./segment.ts";

export interface Interval {
  readonly low: number;
  /** undefined without coins; infinite if all coins fell on the canary. */
  readonly estimate: number | undefined;
  readonly high: number;
}

/** The interval mixes over the odds ratios 2^(k/4), k from -40 to 40. Their weights fall with |k|. */
const STEPS_MAX = 40;
const STEPS = Array.from({ length: 2 * STEPS_MAX + 1 }, (_, index) => index - STEPS_MAX);
const LOG_WEIGHT_SUM = logSum(STEPS.map(logWeightOf));

/** The ends are searched between these logarithms of the odds ratio. Beyond them a double overflows. */
const FAR = 700;

/** The coins of all segments with the same arcs. The order of segments does not count here. */
interface Coins {
  readonly theta: number;
  readonly odds: number;
  canary: number;
  master: number;
}

/** The odds ratio of all segments together. It holds at all times at once with probability 1 - `alpha`. */
export function interval(segments: readonly Segment[], alpha: number = ALPHA): Interval {
  const coins = coinsByArcs(segments);
  let canary = 0;
  let master = 0;
  for (const each of coins) {
    canary += each.canary;
    master += each.master;
  }
  if (canary + master === 0) return { low: 0, estimate: undefined, high: Number.POSITIVE_INFINITY };
  const terms = STEPS.map((k) => logWeightOf(k) - LOG_WEIGHT_SUM + logRatioAt((k / 4) * Math.LN2, coins));
  const bar = Math.log(alpha) + logSum(terms);
  const isIn = (logPsi: number) => logRatioAt(logPsi, coins) >= bar;
  const best = canary === 0 ? -FAR : master === 0 ? FAR : bisect(-FAR, FAR, (x) => slopeAt(x, coins) > 0);
  return {
    low: canary === 0 ? 0 : Math.exp(bisect(-FAR, best, (x) => !isIn(x))),
    estimate: canary === 0 ? 0 : master === 0 ? Number.POSITIVE_INFINITY : Math.exp(best),
    high: master === 0 ? Number.POSITIVE_INFINITY : Math.exp(bisect(best, FAR, isIn)),
  };
}

function logWeightOf(k: number): number {
  return (-Math.abs(k) / 4) * Math.LN2;
}

function coinsByArcs(segments: readonly Segment[]): Coins[] {
  const byTheta = new Map<number, Coins>();
  for (const segment of segments) {
    if (!hasBothArms(segment)) continue;
    const { rollout, control, canary, master } = segment;
    const theta = rollout / (rollout + control);
    const same = byTheta.get(theta);
    if (same === undefined) byTheta.set(theta, { theta, odds: rollout / control, canary, master });
    else {
      same.canary += canary;
      same.master += master;
    }
  }
  return [...byTheta.values()];
}

/** `logLikelihoodRatio` by the logarithm of the odds ratio. It is concave, so it has one maximum. */
function logRatioAt(logPsi: number, coins: readonly Coins[]): number {
  let sum = 0;
  for (const { theta, canary, master } of coins) {
    sum += canary * logPsi - (canary + master) * Math.log1p(Math.expm1(logPsi) * theta);
  }
  return sum;
}

/** The derivative of `logRatioAt`. */
function slopeAt(logPsi: number, coins: readonly Coins[]): number {
  let sum = 0;
  for (const { odds, canary, master } of coins) {
    sum += canary - (canary + master) / (1 + Math.exp(-logPsi) / odds);
  }
  return sum;
}

/** The point between `low` and `high` up to which `isBelow` is true. */
function bisect(low: number, high: number, isBelow: (x: number) => boolean): number {
  let [from, to] = [low, high];
  for (;;) {
    const middle = (from + to) / 2;
    if (middle <= from || middle >= to) return middle;
    if (isBelow(middle)) from = middle;
    else to = middle;
  }
}
