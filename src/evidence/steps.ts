/**
 * The evidence of the last steps of a release. Pure.
 *
 * News may name a step that the record has and this daemon has not read yet. But news may also be hostile,
 * and name steps that no record has. So these have places of their own, and never take the place of a step of
 * the record.
 */

import type { Memory } from "./memory.ts";
import { StepEvidence } from "./step-evidence.ts";

/**
 * The last step of the record, and the one before it, because outcomes come late. As many steps have a place
 * that the record does not have yet.
 */
export const STEPS_KEPT = 2;

export interface StepsOptions {
  /** The release's first arc, in milliseconds since 1970. */
  readonly zeroMs: number;
  /** The names of the metrics that have a gate. */
  readonly gated: readonly string[];
  readonly seed: number;
  readonly memory: Memory;
}

export class Steps {
  readonly #options: StepsOptions;
  #kept: readonly StepEvidence[] = [];
  /** When the steps of the record began, in milliseconds since the release's first arc, in their order. */
  #recorded: readonly number[] = [];
  /** The revisions of steps that are gone. */
  #gone = 0;

  constructor(options: StepsOptions) {
    this.#options = options;
  }

  /** In the order of their times. */
  get kept(): readonly StepEvidence[] {
    return this.#kept;
  }

  get bytes(): number {
    return this.#kept.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Grows with each change of a step. */
  get revision(): number {
    return this.#kept.reduce((sum, { revision }) => sum + revision, this.#gone);
  }

  find(fromMs: number): StepEvidence | undefined {
    for (const step of this.#kept) if (step.fromMs === fromMs) return step;
    return undefined;
  }

  /** The record has these steps, by the times at which they began, in their order. */
  follow(recorded: readonly number[]): void {
    this.#recorded = recorded;
    this.#keep(this.#kept);
  }

  /**
   * The evidence of the step that began then. The latest steps stay, whatever comes first.
   *
   * @param fromMs milliseconds since the release's first arc
   * @returns undefined if later steps have the places, or if the record has no step then and has a later one
   */
  take(fromMs: number): StepEvidence | undefined {
    const found = this.find(fromMs);
    if (found !== undefined || !this.#hasPlace(fromMs)) return found;
    const { zeroMs, gated, seed, memory } = this.#options;
    const step = new StepEvidence(fromMs, zeroMs + fromMs, gated, seed, memory);
    this.#keep([...this.#kept, step].sort((a, b) => a.fromMs - b.fromMs));
    return step;
  }

  #hasPlace(fromMs: number): boolean {
    const isRecorded = this.#isRecorded(fromMs);
    if (!isRecorded && fromMs < (this.#recorded.at(-1) ?? 0)) return false;
    const alike = this.#kept.filter((step) => this.#isRecorded(step.fromMs) === isRecorded);
    return alike.length < STEPS_KEPT || fromMs > (alike[0]?.fromMs ?? 0);
  }

  #isRecorded(fromMs: number): boolean {
    return this.#recorded.includes(fromMs);
  }

  /** Gives up the steps that have no place. @param all in the order of their times */
  #keep(all: readonly StepEvidence[]): void {
    const lastMs = this.#recorded.at(-1) ?? 0;
    const recorded = all.filter(({ fromMs }) => this.#isRecorded(fromMs));
    const others = all.filter(({ fromMs }) => !this.#isRecorded(fromMs) && fromMs >= lastMs);
    this.#kept = [...recorded.slice(-STEPS_KEPT), ...others.slice(-STEPS_KEPT)];
    for (const step of all) {
      if (this.#kept.includes(step)) continue;
      this.#gone += step.revision + 1;
      step.end();
    }
  }
}
