/** The coins of a simulated release: each visitor tosses one for each metric, with its first error. */

import { evidenceOf, isHarm } from "../judge/abort.ts";
import { logGate } from "../judge/gate.ts";
import { ERRORS, KNOWN_ERRORS } from "../judge/metrics.ts";
import { SEGMENT_MS, SEGMENTS_MAX, type Segment } from "../judge/segment.ts";
import { logTotal } from "../judge/total.ts";
import type { BadOutcome } from "./traffic.ts";

interface Counted extends Segment {
  canary: number;
  master: number;
}

interface MetricCoins {
  readonly name: string;
  readonly weight: number;
  readonly tossed: Set<number>;
  readonly segments: Counted[];
  /** The coins of this step alone. */
  step: Counted;
}

export class Coins {
  readonly #metrics: readonly MetricCoins[];
  #rollout = 0;
  #stepAtMs = 0;
  /** The number of segments before this step. */
  #stepFrom = 0;
  #logTotal: number | undefined;

  /** @param weights of all metrics of the release; those of errors alone toss coins here */
  constructor(weights: Readonly<Record<string, number>>) {
    this.#metrics = Object.entries(weights)
      .filter(([name]) => name === ERRORS || name === KNOWN_ERRORS)
      .map(([name, weight]) => ({
        name,
        weight,
        tossed: new Set<number>(),
        segments: [],
        step: emptySegment(0),
      }));
  }

  beginStep(atMs: number, rollout: number): void {
    this.#rollout = rollout;
    this.#stepAtMs = atMs;
    this.#stepFrom = this.#metrics[0]?.segments.length ?? 0;
    for (const metric of this.#metrics) metric.step = emptySegment(rollout);
    this.#cutUntil(atMs);
  }

  /** Takes an error. True if it is the one by which the judge aborts. */
  take({ atMs, visitor, isBrought }: BadOutcome, isCanary: boolean): boolean {
    this.#cutUntil(atMs);
    let isAbort = false;
    for (const metric of this.#metrics) {
      if ((metric.name === KNOWN_ERRORS && !isBrought) || metric.tossed.has(visitor)) continue;
      metric.tossed.add(visitor);
      const segment = metric.segments.at(-1);
      if (segment === undefined) continue;
      segment[isCanary ? "canary" : "master"]++;
      metric.step[isCanary ? "canary" : "master"]++;
      this.#logTotal = undefined;
      // A coin of master never raises the evidence.
      if (isCanary && isHarm(evidenceOf(metric))) isAbort = true;
    }
    return isAbort;
  }

  logTotal(): number {
    // Empty segments do not change it.
    this.#logTotal ??= logTotal(this.#metrics);
    return this.#logTotal;
  }

  /** The smallest evidence of the gates. */
  logGate(visitors: number, rolloutNext: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { step } of this.#metrics) {
      least = Math.min(least, logGate({ step, visitors, rolloutNext }));
    }
    return least;
  }

  /** Begins the segments until this time. */
  #cutUntil(atMs: number): void {
    const inStep = 1 + Math.floor((atMs - this.#stepAtMs) / SEGMENT_MS);
    const count = Math.min(SEGMENTS_MAX, this.#stepFrom + inStep);
    for (const { segments } of this.#metrics) {
      while (segments.length < count) {
        segments.push(emptySegment(this.#rollout));
      }
    }
  }
}

function emptySegment(rollout: number): Counted {
  return { rollout, control: 1 - rollout, canary: 0, master: 0 };
}
