/** The figures of one metric by which people judge a harm themselves. Pure. */

import { type Interval, interval } from "./interval.ts";
import { coinsIn, hasBothArms, type Segment } from "./segment.ts";

export interface Harm {
  /** The visitors of the canary, and of master, who met something bad, while both versions had visitors. */
  readonly canary: number;
  readonly master: number;
  /** The share of these visitors that would be the canary's by chance; NaN without any. */
  readonly expectedShare: number;
  /** How many times as likely a visitor of the canary meets it. */
  readonly ratio: Interval;
  /** The visitors that the canary has hurt so far, more than master would have; 0 if it is as good. */
  readonly hurt: number;
}

export function harmOf(segments: readonly Segment[]): Harm {
  const tossed = segments.filter(hasBothArms);
  let expected = 0;
  let hurt = 0;
  for (const { rollout, control, canary, master } of tossed) {
    expected += ((canary + master) * rollout) / (rollout + control);
    hurt += canary - (master * rollout) / control;
  }
  const coins = coinsIn(tossed);
  return {
    ...coins,
    expectedShare: expected / (coins.canary + coins.master),
    ratio: interval(tossed),
    hurt: Math.max(0, hurt),
  };
}
