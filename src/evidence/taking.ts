/**
 * Takes an outcome into the tables, by the rules of the judge in their order. Pure; on the way of each
 * outcome, so it allocates nothing.
 */

import { CANARY, MASTER } from "../circle.ts";
import { isError, type Outcome, responseMs } from "../intake/outcome.ts";
import { cellOf } from "../judge/cell.ts";
import type { JudgedOutcome } from "../judge/metrics.ts";
import { BACK_MS } from "../judge/signs.ts";
import { NONE } from "./entry-index.ts";
import { networkOf } from "./network.ts";
import { isInShare } from "./share.ts";
import type { StepEvidence } from "./step-evidence.ts";
import { MISPLACED, type Tables } from "./tables.ts";
import { isInArc, type StandingArc } from "./timeline.ts";

export class Taking {
  readonly #tables: Tables;
  readonly #version: string;
  /** The part of an outcome that metrics see. There is one, so that an outcome costs no object. */
  readonly #judged: { -readonly [K in keyof JudgedOutcome]: JudgedOutcome[K] } = {
    ...{ isError: false, responseMs: Number.NaN, isBrought: undefined, events: [] },
  };

  /** @param version the version that is released */
  constructor(tables: Tables, version = CANARY) {
    this.#tables = tables;
    this.#version = version;
  }

  /**
   * @param decidedAtMs when the request was decided, in milliseconds since 1970 by the store's clock
   * @returns whether a coin was tossed
   */
  take(outcome: Outcome, decidedAtMs: number): boolean {
    const { timeline, steps, seed } = this.#tables;
    const time = Math.floor(decidedAtMs - timeline.zeroMs);
    const arc = timeline.steps[timeline.countedStepAt(time)];
    if (outcome.isForced || arc === undefined) return false;
    const step = steps.take(arc.fromMs);
    const cell = cellOf(outcome.assignment);
    const network = networkOf(outcome.source, seed);
    this.#fill(outcome);
    step?.heard.add(this.#judged.isError, outcome.isBrought !== undefined);
    this.#arrive(outcome.location, cell, time, arc, step);
    // Outside of the share only bad outcomes are reported, so they say nothing about visitors.
    if (isInShare(outcome.assignment, outcome.share)) {
      this.#see(outcome.location, cell, time, arc);
      this.#meet(cell, time, step);
      step?.shares(outcome.share);
      step?.heard.decide(cell, network, outcome.share);
    }
    return this.#toss(cell, time, network);
  }

  #fill(outcome: Outcome): void {
    const judged = this.#judged;
    judged.isError = isError(outcome);
    judged.isBrought = outcome.isBrought;
    judged.responseMs = responseMs(outcome);
    judged.events = outcome.events;
  }

  #arrive(
    location: string,
    cell: number,
    time: number,
    arc: StandingArc,
    step: StepEvidence | undefined,
  ): void {
    if (isInArc(arc, cell)) step?.arrives(cell, time, location === this.#version);
  }

  /** The visitor is on the circle: new, back, or at a wrong location. A location that is not told is none. */
  #see(location: string, cell: number, time: number, arc: StandingArc): void {
    const { seen, back } = this.#tables;
    const expected = isInArc(arc, cell) ? this.#version : MASTER;
    seen.toss(cell, time, location === "" || location === expected ? 0 : MISPLACED);
    const entry = seen.table.last;
    if (entry !== NONE && time >= seen.table.timeAt(entry) + BACK_MS) back.toss(cell, time, 0);
  }

  #meet(cell: number, time: number, step: StepEvidence | undefined): void {
    if (step === undefined) return;
    for (const { name, couldMeet } of this.#tables.metrics) {
      if (couldMeet?.(this.#judged)) step.sees(name, cell, time);
    }
  }

  #toss(cell: number, time: number, network: number): boolean {
    let isTossed = false;
    for (const { name, isBad } of this.#tables.metrics) {
      if (isBad(this.#judged) && this.#tables.coins.get(name)?.toss(cell, time, network)) isTossed = true;
    }
    return isTossed;
  }
}
