/**
 * The steps of a release as its record has them, and the segments into which they are cut. Pure. Every daemon
 * computes the same from the same record: nothing depends on when something arrived.
 *
 * Times of evidence are whole milliseconds since the release's first arc, so they fit in 32 bits.
 */

import { covers } from "../circle.ts";
import { GRACE_MS, SEGMENT_MS, SEGMENTS_MAX } from "../judge/segment.ts";
import { STEPS_MAX } from "../releases/plan.ts";
import type { ArcSince } from "../releases/release.ts";

/** The last millisecond of evidence: 49 days after the first arc. Later outcomes count for nothing. */
export const TIME_MAX = 2 ** 32 - 1;

/** Long steps are cut as long as this many segments are left for steps that may come. */
const SEGMENTS_LEFT_MIN = STEPS_MAX;

/** A time in which the arc stands still. */
export interface StandingArc {
  /** When it began, in milliseconds since the release's first arc. */
  readonly fromMs: number;
  /** When the next one began; Infinity for the last one. */
  readonly untilMs: number;
  readonly rollout: number;
  /** The length of master's part of the circle: all that the arc does not cover. */
  readonly control: number;
  readonly offset: number;
  /** The number of its first segment, from 0. */
  readonly firstSegment: number;
  /** It is cut into at most this many segments; 0 if the release has no room for one more. */
  readonly segmentsMax: number;
}

export class Timeline {
  /** The time of the release's first arc, in milliseconds since 1970 by the store's clock. */
  readonly zeroMs: number;
  readonly steps: readonly StandingArc[];
  readonly #endMs: number;

  /**
   * @param arcs as the record of a release has them, at least one
   * @param endMs the end of the release by the same clock; Infinity if it goes on
   */
  constructor(arcs: readonly ArcSince[], endMs = Number.POSITIVE_INFINITY) {
    this.zeroMs = arcs[0]?.[0] ?? 0;
    this.#endMs = Math.min(endMs - this.zeroMs, TIME_MAX + 1);
    this.steps = standingArcs(arcs, this.zeroMs, this.#endMs);
  }

  /** The number of the step at a time, from 0; -1 outside the release. */
  stepAt(time: number): number {
    if (!(time >= 0 && time < this.#endMs)) return -1;
    let step = this.steps.length - 1;
    while (step >= 0 && time < (this.steps[step]?.fromMs ?? 0)) step--;
    return step;
  }

  /**
   * The number of the step whose evidence has an outcome that was decided then; -1 for none, as in the grace.
   */
  countedStepAt(time: number): number {
    const step = this.stepAt(time);
    return time - (this.steps[step]?.fromMs ?? time) < GRACE_MS ? -1 : step;
  }

  /** The number of the segment at a time within a step. */
  segmentIn(step: StandingArc, time: number): number {
    const place = Math.floor((time - step.fromMs) / SEGMENT_MS);
    return step.firstSegment + Math.min(place, step.segmentsMax - 1);
  }

  /** How many segments have begun at a time. */
  segmentsAt(time: number): number {
    const step = this.steps[this.stepAt(Math.min(time, this.#endMs - 1))];
    if (step === undefined) return 0;
    return step.segmentsMax === 0 ? step.firstSegment : this.segmentIn(step, Math.min(time, this.#endMs)) + 1;
  }

  /** When a segment began. */
  beginOf(segment: number): number {
    const step = this.stepOf(segment);
    return step === undefined ? 0 : step.fromMs + (segment - step.firstSegment) * SEGMENT_MS;
  }

  /** The step that has a segment. */
  stepOf(segment: number): StandingArc | undefined {
    return this.steps.findLast((step) => step.segmentsMax > 0 && step.firstSegment <= segment);
  }
}

/** Whether a cell lies in the arc. */
export function isInArc({ offset, rollout }: StandingArc, cell: number): boolean {
  return covers(offset, rollout, cell / 2 ** 32);
}

/** A clock may go back between two writers. Then the later arc begins with the earlier one. */
function standingArcs(arcs: readonly ArcSince[], zeroMs: number, endMs: number): StandingArc[] {
  const steps: StandingArc[] = [];
  let firstSegment = 0;
  let fromMs = 0;
  for (const [place, [, rollout, offset]] of arcs.entries()) {
    const nextMs = arcs[place + 1]?.[0];
    const untilMs = nextMs === undefined ? Number.POSITIVE_INFINITY : Math.max(fromMs, nextMs - zeroMs);
    const wanted = Math.ceil((Math.min(untilMs, endMs) - fromMs) / SEGMENT_MS);
    const left = SEGMENTS_MAX - firstSegment;
    const segmentsMax = Math.max(0, Math.min(wanted, left, Math.max(1, left - SEGMENTS_LEFT_MIN)));
    steps.push({ fromMs, untilMs, rollout, control: 1 - rollout, offset, firstSegment, segmentsMax });
    firstSegment += segmentsMax;
    fromMs = untilMs;
  }
  return steps;
}
