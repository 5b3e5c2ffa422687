/** The outcomes that a proxy under test has reported, as the daemon's own reader understands them. */

import type { Outcome } from "../../../src/intake/outcome.ts";

export class Heard {
  /** Copies, because a door uses one object for all outcomes. */
  readonly outcomes: Outcome[] = [];
  /** Reports that the reader refuses, with the reason. None of the shipped files may write one. */
  readonly refused: string[] = [];

  take(outcome: Outcome): void {
    this.outcomes.push({ ...outcome });
  }

  refuse(report: string, reason: string): void {
    this.refused.push(`${reason}: ${report}`);
  }

  /** The outcomes of requests with this assignment. */
  of(assignment: number): readonly Outcome[] {
    return this.outcomes.filter((outcome) => outcome.assignment === assignment);
  }
}
