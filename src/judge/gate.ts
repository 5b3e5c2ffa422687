/**
 * The gate of a step: whether the next rollout may be tried. It asks for evidence of health, which silence
 * never is. Pure.
 *
 * A canary passes in one of two ways. Either "1.5 times as many visitors are hurt" is refuted, or "the next
 * step would hurt more visitors than the budget allows". If both are true, it passes with at most 5 %.
 */

import { logLikelihoodRatio } from "./likelihood.ts";
import { type Grid, logMixture, logSum } from "./mixture.ts";
import { hasBothArms, type Segment } from "./segment.ts";

/** A step whose canary harms visitors passes with at most this probability. */
export const BETA = 0.05;

/** `ln G` of each gated metric has to reach this. */
export const GATE_BAR = -Math.log(BETA);

/** The share of all visitors that the next step may hurt. */
export const BUDGET = 0.005;

/** A canary that hurts this many times as many visitors as master must not pass. */
export const GATE_PSI = 1.5;

/**
 * A visitor counts for the gate this long after it was first seen, in milliseconds. Before that, it had
 * little time to meet something bad.
 */
export const RIPE_MS = 120_000;

/** The odds ratios of a sound canary. */
export const GATE_RATIO_GRID: Grid = [
  [0.5, 0.2],
  [0.8, 0.3],
  [1, 0.5],
];

/** The shares of the budget's harm that a sound canary may do. */
export const GATE_HARM_GRID: Grid = [
  [0, 0.5],
  [0.4, 0.2],
  [0.7, 0.2],
  [0.9, 0.1],
];

/** One metric in one step. The arcs stand still, so the coins are those of all segments of the step. */
export interface GateFacts {
  readonly step: Segment;
  /**
   * The visitors of the whole circle, seen in this step at least `RIPE_MS` ago, who could meet the metric and
   * had no coin before the step. Never those of the canary's arc alone: the pace of a release must not depend
   * on the visitors that happen to be in an arc.
   */
  readonly visitors: number;
  /** The rollout of the next step; 1 after the last one. */
  readonly rolloutNext: number;
  readonly budget?: number;
}

/** `ln G`: the evidence that the next rollout may be tried; -Infinity if one version has no visitors. */
export function logGate(facts: GateFacts): number {
  if (!hasBothArms(facts.step)) return Number.NEGATIVE_INFINITY;
  return logSum([logOfRatio(facts.step), logOfHarm(facts)]) - Math.LN2;
}

/** The evidence against `GATE_PSI` times as many visitors hurt. */
export function logOfRatio(step: Segment): number {
  const segments = [step];
  return logMixture(GATE_RATIO_GRID, segments) - logLikelihoodRatio(GATE_PSI, segments);
}

/** The evidence against more hurt visitors than the budget has for this step. */
export function logOfHarm({ step, visitors, rolloutNext, budget = BUDGET }: GateFacts): number {
  const { rollout, control, canary, master } = step;
  const due = (visitors * rollout * budget) / rolloutNext;
  return logSum(
    GATE_HARM_GRID.map(
      ([part, weight]) =>
        Math.log(weight) +
        // 0 ln 0 is 0 here.
        (canary === 0 ? 0 : canary * Math.log(part)) +
        master * Math.log1p(((1 - part) * rollout) / control) +
        due * (1 - part),
    ),
  );
}
