/** The evidence of the last steps of a release. Pure. */

import type { Memory } from "./memory.ts";
import { StepEvidence } from "./step-evidence.ts";

/** The last step, and the one before it, because outcomes come late. */
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

  /**
   * The evidence of the step that began then. Another daemon may know a step that this one has not read yet,
   * so any step has a place. The latest ones stay, whatever comes first.
   *
   * @param fromMs milliseconds since the release's first arc
   * @returns undefined if later steps have the places
   */
  take(fromMs: number): StepEvidence | undefined {
    const { zeroMs, gated, seed, memory } = this.#options;
    const found = this.find(fromMs);
    if (found !== undefined) return found;
    const [earliest] = this.#kept;
    const isFull = this.#kept.length === STEPS_KEPT;
    if (isFull && earliest !== undefined && fromMs < earliest.fromMs) return undefined;
    const step = new StepEvidence(fromMs, zeroMs + fromMs, gated, seed, memory);
    if (isFull) {
      this.#gone += (earliest?.revision ?? 0) + 1;
      earliest?.end();
    }
    this.#kept = [...this.#kept, step].sort((a, b) => a.fromMs - b.fromMs).slice(-STEPS_KEPT);
    return step;
  }
}
