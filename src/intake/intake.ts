/**
 * The one place at which all reports arrive, whatever their door is. It reads a report, counts it, and hands
 * an outcome on to its follower, which keeps the evidence of the release that is under way.
 *
 *     door ─▶ report ─▶ readReport ─▶ hand ─▶ follower
 *                          │            └ a visitor of doctor: kept for doctor by `probes.ts`
 *                          └ unreadable, undecided, unknown application: counted, and told by `tellings.ts`
 *
 * All of it is synchronous, and one report takes some microseconds. A door bounds the number of reports in
 * one turn of the event loop.
 */

import type { DropReason, OutcomeCounts } from "./counts.ts";
import { type DoorName, emptyOutcome, type Outcome, type OutcomeDraft } from "./outcome.ts";
import type { Probes } from "./probes.ts";
import { readReport } from "./report.ts";
import { Senders } from "./senders.ts";
import { type NoOutcome, UNDECIDED } from "./unreadable.ts";

/** Follows the outcomes of the applications that this daemon serves. Must not throw, and keeps no outcome. */
export type OutcomeFollower = (outcome: Outcome, door: DoorName) => void;

/** Keeps examples of reports that were dropped, for the log. */
export interface Examples {
  /** @param example the text of the report */
  dropped(reason: DropReason, example: string): void;
}

export interface IntakeOptions {
  readonly applications: readonly string[];
  readonly counts: OutcomeCounts;
  readonly examples: Examples;
  readonly follower: OutcomeFollower | undefined;
  readonly probes: Probes;
  /** This machine alone by default. */
  readonly senders?: Senders;
}

export class Intake {
  readonly counts: OutcomeCounts;
  readonly probes: Probes;
  readonly #senders: Senders;
  readonly #applications: ReadonlySet<string>;
  /** The application of a report that names none. */
  readonly #first: string;
  readonly #examples: Examples;
  readonly #follower: OutcomeFollower | undefined;
  /** All reports are read into this one. */
  readonly #draft: OutcomeDraft = emptyOutcome();

  constructor({ applications, counts, examples, follower, probes, senders }: IntakeOptions) {
    this.counts = counts;
    this.probes = probes;
    this.#senders = senders ?? new Senders([]);
    this.#applications = new Set(applications);
    this.#first = applications[0] ?? "";
    this.#examples = examples;
    this.#follower = follower;
  }

  /**
   * Whether a sender may report. A report of one that may not is counted as dropped.
   *
   * @param address of the sender; undefined for a program of this machine, over a unix socket. An empty
   *                one is of a client that is gone, and that may have been anywhere.
   */
  isOpenTo(address: string | undefined, door: DoorName): boolean {
    if (address === undefined || this.#senders.has(address)) return true;
    this.counts.dropped(door, "foreign");
    return false;
  }

  /** Takes one report in any form of text. True if it was an outcome that counts. */
  report(text: string, door: DoorName): boolean {
    return this.handOn(this.#draft, readReport(text, this.#draft), text, door);
  }

  /**
   * Takes an outcome that a door has read, or the reason for which there is none.
   *
   * @param text the report, of which the log may have an example
   * @returns whether it was an outcome that counts
   */
  handOn(draft: OutcomeDraft, none: NoOutcome | undefined, text: string, door: DoorName): boolean {
    if (none === UNDECIDED) {
      this.counts.undecided(door);
      return false;
    }
    if (none !== undefined) {
      this.counts.dropped(door, `unreadable-${none}`);
      this.#examples.dropped(`unreadable-${none}`, text);
      return false;
    }
    if (draft.application === "") draft.application = this.#first;
    const isProbe = this.probes.take(draft, door);
    if (!this.#applications.has(draft.application)) {
      this.counts.dropped(door, "unknown-application");
      this.#examples.dropped("unknown-application", text);
      return false;
    }
    this.counts.heard(draft, door);
    if (!isProbe) this.#follower?.(draft, door);
    return true;
  }
}
