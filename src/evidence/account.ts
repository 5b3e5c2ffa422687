/**
 * The account of the coins of a release: per metric and segment the two numbers, the share that chance would
 * give the canary, and the cells. With it a person can compute the evidence again. Pure; plain data.
 */

import { logEvidence } from "../judge/evidence.ts";
import type { Tables } from "./tables.ts";

export interface SegmentAccount {
  /** When it began, in milliseconds since 1970 by the store's clock. */
  readonly fromMs: number;
  readonly rollout: number;
  readonly control: number;
  /** The beginning of the canary's arc. */
  readonly offset: number;
  /** The share of the coins that would be the canary's by chance; null if one version had no visitors. */
  readonly expectedShare: number | null;
  readonly canary: number;
  readonly master: number;
  /** The cells of these coins: 2 to the power of 32 times the assignment, rounded down. */
  readonly canaryCells: readonly number[];
  readonly masterCells: readonly number[];
}

export interface MetricAccount {
  readonly name: string;
  readonly weight: number;
  /** The natural logarithm of the evidence, without the weight. */
  readonly logE: number;
  readonly segments: readonly SegmentAccount[];
}

/** @param nowMs milliseconds since 1970 by the store's clock */
export function accountOf(tables: Tables, nowMs: number): readonly MetricAccount[] {
  const { timeline, metrics, coins } = tables;
  const time = Math.floor(nowMs - timeline.zeroMs);
  return metrics.flatMap(({ name, weight }) => {
    const table = coins.get(name);
    if (table === undefined) return [];
    const segments = table.segments(time);
    const cells = table.cells(time);
    const accounts = segments.map(({ rollout, control, canary, master }, segment): SegmentAccount => {
      const { canary: canaryCells = [], master: masterCells = [] } = cells[segment] ?? {};
      const expectedShare = rollout > 0 && control > 0 ? rollout / (rollout + control) : null;
      const { offset = 0 } = timeline.stepOf(segment) ?? {};
      const fromMs = timeline.zeroMs + timeline.beginOf(segment);
      return { fromMs, rollout, control, offset, expectedShare, canary, master, canaryCells, masterCells };
    });
    return [{ name, weight, logE: logEvidence(segments), segments: accounts }];
  });
}
