/** The answers of many simulated releases of one plan. Pure. */

import type { Plan } from "../releases/plan.ts";
import { seededDraw } from "./draws.ts";
import { type Run, runRelease } from "./run.ts";
import type { Site } from "./traffic.ts";

/** The harms that are simulated: the canary has this many times the errors of master. */
export const FACTORS = [2, 5, 10] as const;

/** Offsets are multiples of this part of the circle. */
const OFFSETS = 1_000;

/** A time of the releases that ended in one way; undefined if too few did. */
export interface Spread {
  readonly medianMs: number | undefined;
  /** Nine of ten releases needed no longer. */
  readonly mostMs: number | undefined;
}

export interface HarmAnswer {
  readonly factor: number;
  readonly runs: number;
  /** The releases that were aborted. */
  readonly found: number;
  /** From the beginning of the release to the abort. */
  readonly time: Spread;
  /** The median of the visitors hurt by the canary, until the abort or the last step. */
  readonly hurt: number;
}

export interface Answers {
  readonly runs: number;
  /** The sound canaries that were aborted. */
  readonly aborted: number;
  /** The releases that came to all visitors. */
  readonly reached: number;
  readonly time: Spread;
  /**
   * The median length of each step below 100%; undefined if fewer than half of the releases came to its
   * end.
   */
  readonly stepMs: readonly (number | undefined)[];
  readonly harms: readonly HarmAnswer[];
}

export interface Effort {
  readonly soundRuns: number;
  readonly harmRuns: number;
}

/** @param seed repeats the whole simulation */
export function answersOf(
  plan: Plan,
  weights: Readonly<Record<string, number>>,
  site: Site,
  { soundRuns, harmRuns }: Effort,
  seed = 1,
): Answers {
  const draw = seededDraw(seed);
  const runsOf = (count: number, psi: number) =>
    Array.from({ length: count }, () => {
      const offset = Math.floor(OFFSETS * draw()) / OFFSETS;
      return runRelease(plan, weights, site.traffic(Math.floor(draw() * 2 ** 32), psi), offset);
    });
  const sound = runsOf(soundRuns, 1);
  return {
    runs: soundRuns,
    aborted: countOf(sound, "aborted"),
    reached: countOf(sound, "reached"),
    time: spreadOf(sound, "reached"),
    stepMs: plan.steps.filter(({ rollout }) => rollout < 1).map((_, index) => medianStep(sound, index)),
    harms: FACTORS.map((factor) => harmAnswer(factor, runsOf(harmRuns, factor))),
  };
}

function harmAnswer(factor: number, runs: readonly Run[]): HarmAnswer {
  const hurt = runs.map((run) => run.hurt).sort(ascending);
  return {
    ...{ factor, runs: runs.length, found: countOf(runs, "aborted"), time: spreadOf(runs, "aborted") },
    hurt: quantile(hurt, runs.length, 0.5) ?? 0,
  };
}

function countOf(runs: readonly Run[], end: Run["end"]): number {
  return runs.filter((run) => run.end === end).length;
}

/** If fewer than half of all runs ended in this way, there is no median. */
function spreadOf(runs: readonly Run[], end: Run["end"]): Spread {
  const times = runs.flatMap((run) => (run.end === end ? [run.atMs] : [])).sort(ascending);
  return { medianMs: quantile(times, runs.length, 0.5), mostMs: quantile(times, runs.length, 0.9) };
}

function medianStep(runs: readonly Run[], index: number): number | undefined {
  const times = runs.flatMap(({ stepMs }) => stepMs[index] ?? []).sort(ascending);
  return quantile(times, runs.length, 0.5);
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** The value that this share of `count` runs does not exceed; undefined if too few runs have a value. */
function quantile(sorted: readonly number[], count: number, share: number): number | undefined {
  return sorted[Math.ceil(share * count) - 1];
}
