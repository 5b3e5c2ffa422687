/**
 * The visits of doctor. Doctor tells the daemon the assignments of its visitors before it sends them. The
 * daemon then remembers their outcomes for doctor, and keeps them out of the evidence of a release.
 *
 * An outcome of any other visitor costs one look at a number while no doctor is there. The daemon forgets all
 * of doctor's visitors `KEPT_MS` after doctor's last question.
 */

import type { Timers } from "../timers.ts";
import type { DoorName, Outcome, OutcomeKind } from "./outcome.ts";

/** If there are more, the oldest are forgotten. Doctor sends some hundred visitors in this time. */
export const PROBES_MAX = 4_096;

/** Outcomes that are kept of one visitor. Doctor needs to know if there is more than one. */
export const OUTCOMES_MAX = 4;

/** A proxy may send its reports late. */
export const KEPT_MS = 30_000;

/** The outcome of a visit of doctor, as it was reported. Null: not reported. */
export interface ProbeOutcome {
  readonly door: DoorName;
  readonly application: string;
  readonly location: string | null;
  readonly kind: OutcomeKind;
  readonly status: number;
  readonly isBrought: boolean | null;
  readonly source: string | null;
  readonly durationMs: number | null;
}

const NOTHING: readonly ProbeOutcome[] = [];

export class Probes {
  readonly #timers: Timers;
  /** By assignment. */
  readonly #outcomes = new Map<number, ProbeOutcome[]>();
  #timer: unknown;
  #woken: () => void = () => {};

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Calls `woken` when the first visitors are announced. */
  onWake(woken: () => void): void {
    this.#woken = woken;
  }

  /** Whether doctor waits for outcomes. */
  get isAwake(): boolean {
    return this.#outcomes.size > 0;
  }

  /** Announces visitors with these assignments, or says that doctor still waits for them. */
  expect(assignments: readonly number[]): void {
    if (assignments.length === 0) return;
    const wasAwake = this.isAwake;
    for (const assignment of assignments) {
      if (!this.#outcomes.has(assignment)) this.#outcomes.set(assignment, []);
    }
    for (const oldest of this.#outcomes.keys()) {
      if (this.#outcomes.size <= PROBES_MAX) break;
      this.#outcomes.delete(oldest);
    }
    this.#timers.clear(this.#timer);
    this.#timer = this.#timers.set(() => this.#outcomes.clear(), KEPT_MS);
    if (!wasAwake) this.#woken();
  }

  /** Remembers the outcome if its visitor was announced; false if it was not. */
  take(outcome: Outcome, door: DoorName): boolean {
    if (this.#outcomes.size === 0) return false;
    const outcomes = this.#outcomes.get(outcome.assignment);
    if (outcomes === undefined) return false;
    if (outcomes.length < OUTCOMES_MAX) outcomes.push(copyOf(outcome, door));
    return true;
  }

  /** The outcomes of the visitor with this assignment, in the order in which they came. */
  of(assignment: number): readonly ProbeOutcome[] {
    return this.#outcomes.get(assignment) ?? NOTHING;
  }
}

function copyOf(outcome: Outcome, door: DoorName): ProbeOutcome {
  const { application, location, kind, status, isBrought, source, durationMs } = outcome;
  return {
    ...{ door, application, kind, status },
    location: location === "" ? null : location,
    isBrought: isBrought ?? null,
    source: source ?? null,
    durationMs: Number.isNaN(durationMs) ? null : durationMs,
  };
}
