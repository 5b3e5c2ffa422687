/** The figures of a release at one moment: all that the verdict, the signs and a page need. Pure. */

import { KNOWN_ERRORS, type Metric } from "../judge/metrics.ts";
import type { Segment } from "../judge/segment.ts";
import { CROWD_SHARE } from "../judge/signs.ts";
import type { Reach } from "../judge/verdict.ts";
import type { Coins } from "./coins.ts";
import type { HeardFigures } from "./heard.ts";
import type { ReportingFigures } from "./reporters.ts";
import type { StepEvidence } from "./step-evidence.ts";
import { MISPLACED, type Tables } from "./tables.ts";

/** With fewer decisions in the step, a busy network may be one busy visitor. */
const NETWORK_DECISIONS_MIN = 1_000;

export interface MetricFigures {
  readonly name: string;
  readonly weight: number;
  /** All segments of the release that have begun, the present one last. */
  readonly segments: readonly Segment[];
  /**
   * The visitors of this step that count for the gate; undefined if the gate does not ask for this metric.
   */
  readonly visitors: number | undefined;
}

export interface StepFigures {
  /** When the arcs began to stand still, in milliseconds since 1970 by the store's clock. */
  readonly sinceMs: number;
  readonly rollout: number;
  /** The length of master's part of the circle. */
  readonly control: number;
  /** The place of its first segment. */
  readonly firstSegment: number;
}

export interface Figures {
  /** The moment, in milliseconds since 1970 by the store's clock. */
  readonly atMs: number;
  readonly step: StepFigures;
  readonly metrics: readonly MetricFigures[];
  /** Visitors when they were first seen, and when they were first seen again. */
  readonly split: readonly Segment[];
  readonly back: readonly Segment[];
  /** The visitors of the release of which this daemon knows, at most `SIGN_CELLS_MAX`. */
  readonly seen: number;
  /** The visitors of these that were reported at another location than that of their arc. */
  readonly misplaced: number;
  readonly reach: Reach;
  readonly heard: HeardFigures;
  readonly reporting: ReportingFigures;
  /** Whether any reporter of this step can tell if visitors brought their assignment. */
  readonly isBroughtTold: boolean;
  /** Whether all coins of a network count in this step, because one network has too many decisions. */
  readonly isUncapped: boolean;
}

/**
 * The figures that take a look at each visitor. They take a thousand times as long as the coins, which are
 * counted when they are tossed.
 */
export interface Census extends Omit<Figures, "metrics" | "split" | "back"> {
  /** By the names of the metrics with a gate. */
  readonly visitors: ReadonlyMap<string, number>;
}

/**
 * @param name of this daemon
 * @returns undefined outside the release
 */
export function censusOf(tables: Tables, nowMs: number, name: string): Census | undefined {
  const { timeline, steps, seen } = tables;
  const time = Math.floor(nowMs - timeline.zeroMs);
  const number = timeline.stepAt(time);
  const arc = timeline.steps[number];
  if (arc === undefined) return undefined;
  const { fromMs, rollout, control, firstSegment } = arc;
  const step = steps.take(fromMs);
  const heard = step?.heard.figures() ?? NOTHING_HEARD;
  const isBroughtTold = heard.brought > 0 || (step?.visitors.get(KNOWN_ERRORS)?.size ?? 0) > 0;
  return {
    atMs: nowMs,
    step: { sinceMs: timeline.zeroMs + fromMs, rollout, control, firstSegment },
    visitors: new Map(
      gatedIn(tables, heard.outcomes === 0 || isBroughtTold).map(({ name: of }) => [
        of,
        visitorsOf(step, of, time, tables.coins.get(of), number),
      ]),
    ),
    seen: seen.table.size,
    misplaced: misplacedIn(seen),
    reach: step?.reach() ?? { seen: 0, atCanary: 0 },
    ...{ heard, isBroughtTold, reporting: tables.reporters.figures(name, nowMs) },
    isUncapped: fromMs > tables.uncappedAfterMs,
  };
}

/**
 * @param nowMs milliseconds since 1970 by the store's clock
 * @param census of the same step; it may be of a moment before
 */
export function figuresOf(tables: Tables, nowMs: number, census: Census): Figures {
  const { timeline, metrics, seen, back } = tables;
  const time = Math.floor(nowMs - timeline.zeroMs);
  const { visitors, ...rest } = census;
  return {
    ...rest,
    atMs: nowMs,
    metrics: metrics.map(({ name, weight }) => {
      return {
        name,
        weight,
        segments: tables.coins.get(name)?.segments(time) ?? [],
        visitors: visitors.get(name),
      };
    }),
    split: seen.segments(time),
    back: back.segments(time),
  };
}

const NOTHING_HEARD: HeardFigures = {
  ...{ outcomes: 0, bad: 0, brought: 0, decisions: 0, processes: 0, busiestCell: 0, busiestNetwork: 0 },
};

/** If no reporter can tell which visitors came back, the gate asks for all visitors alone. */
function gatedIn({ metrics }: Tables, isKnownAsked: boolean): readonly Metric[] {
  return metrics.filter(
    ({ name, couldMeet }) => couldMeet !== undefined && (isKnownAsked || name !== KNOWN_ERRORS),
  );
}

function visitorsOf(
  step: StepEvidence | undefined,
  metric: string,
  time: number,
  coins: Coins | undefined,
  number: number,
): number {
  const hadBefore = (cell: number) => {
    const tossedIn = coins?.stepOf(cell) ?? -1;
    return tossedIn >= 0 && tossedIn < number;
  };
  return step?.countVisitors(metric, time, hadBefore) ?? 0;
}

function misplacedIn({ table }: Coins): number {
  let count = 0;
  for (let entry = 0; entry < table.size; entry++) count += table.tagAt(entry) & MISPLACED;
  return count;
}

/**
 * A proxy of many visitors in front of all others ends the limit for each network, from the next step on. The
 * caller knows what all daemons heard, because a network may have many visitors at one of them alone.
 */
export function uncap(tables: Tables): void {
  for (const { fromMs, heard } of tables.steps.kept) {
    const { decisions, busiestNetwork } = heard.figures();
    const isBusy = decisions >= NETWORK_DECISIONS_MIN && busiestNetwork > CROWD_SHARE * decisions;
    if (isBusy) tables.uncapAfter(fromMs, true);
  }
}
