/**
 * The judge's logarithms and intervals as parts of a bar, a chart, or a table. Pure; plain data, so a number
 * that JSON cannot have is null.
 */

import { ABORT_BAR } from "../judge/abort.ts";
import { ratioText } from "../judge/figures.ts";
import { GATE_BAR } from "../judge/gate.ts";
import type { Interval } from "../judge/interval.ts";

/** How many times as likely a visitor of the canary meets something bad: the odds ratio. */
export interface JudgedRatio {
  readonly low: number;
  /** Null before the first bad outcome, and if all visitors with one were the canary's. */
  readonly estimate: number | null;
  /** Null if it has no upper end. */
  readonly high: number | null;
  /** `1.2 to 25 times as likely`. */
  readonly text: string;
}

export function judgedRatio({ low, estimate, high }: Interval): JudgedRatio {
  return {
    low,
    estimate: estimate === undefined ? null : orNull(estimate),
    high: orNull(high),
    text: ratioText(low, high),
  };
}

/** The way to an abort: 1 is the limit. Below 0 the evidence speaks for the canary. Null without any. */
export function harmPart(logWeighted: number): number | null {
  return orNull(logWeighted / ABORT_BAR);
}

/** The way of a gate to its limit: 1 opens it. Null without a gate, or with one version alone. */
export function notWorsePart(logGate: number | undefined): number | null {
  return logGate === undefined ? null : orNull(logGate / GATE_BAR);
}

/** All gates must open, so the last one counts; null if one of them has no figure. */
export function leastPart(logGates: Iterable<number>): number | null {
  const parts = Array.from(logGates, notWorsePart);
  return parts.reduce(
    (least, part) => (least === null || part === null ? null : Math.min(least, part)),
    parts[0] ?? null,
  );
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
