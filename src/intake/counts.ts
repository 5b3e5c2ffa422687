/** The counters of outcomes. Doors only increase numbers here, and monitors read them. */

import { classOf, DOOR_NAMES, type DoorName, OUTCOME_CLASSES, type Outcome } from "./outcome.ts";
import { UNDECIDED, UNREADABLE_KINDS, type Unreadable } from "./unreadable.ts";

/**
 * Why a report was dropped. `application`: this daemon does not serve it. `foreign`: from an address that may
 * not report. `busy`: more came than the daemon may read beside its visitors. `kernel`: the kernel had no
 * room, because the daemon did not read for too long.
 */
export const DROPS = ["unknown-application", "foreign", "busy", "kernel"] as const;

export type Drop = (typeof DROPS)[number];

/** A class of outcomes, or reports without one. */
const CLASSES = [...OUTCOME_CLASSES, UNDECIDED] as const;

/** A reason of the metric of dropped reports. */
export type DropReason = Drop | `unreadable-${Unreadable}`;

const REASONS: readonly DropReason[] = [
  ...DROPS,
  ...UNREADABLE_KINDS.map((kind) => `unreadable-${kind}` as const),
];

export interface HeardCount {
  readonly source: DoorName;
  readonly class: (typeof CLASSES)[number];
  readonly count: number;
}

export interface DroppedCount {
  readonly source: DoorName;
  readonly reason: DropReason;
  readonly count: number;
}

export class OutcomeCounts {
  /** Whether each door is open; a door that is off is not here. */
  readonly doors = new Map<DoorName, boolean>();
  readonly #heard = new Float64Array(DOOR_NAMES.length * CLASSES.length);
  readonly #dropped = new Float64Array(DOOR_NAMES.length * REASONS.length);

  heard(outcome: Outcome, door: DoorName): void {
    this.#add(this.#heard, door, CLASSES, classOf(outcome), 1);
  }

  undecided(door: DoorName): void {
    this.#add(this.#heard, door, CLASSES, UNDECIDED, 1);
  }

  dropped(door: DoorName, reason: DropReason, count = 1): void {
    this.#add(this.#dropped, door, REASONS, reason, count);
  }

  /** Dropped reports with this reason, over all doors. */
  droppedWith(reason: DropReason): number {
    let sum = 0;
    for (let at = REASONS.indexOf(reason); at < this.#dropped.length; at += REASONS.length) {
      sum += this.#dropped[at] as number;
    }
    return sum;
  }

  /** All dropped reports. */
  droppedInAll(): number {
    return this.#dropped.reduce((sum, count) => sum + count, 0);
  }

  /** Outcomes and reports without one, by door and class, for each door that is on. */
  *allHeard(): Generator<HeardCount> {
    for (const [at, count] of this.#heard.entries()) {
      const source = DOOR_NAMES[Math.floor(at / CLASSES.length)] as DoorName;
      const kind = CLASSES[at % CLASSES.length] as HeardCount["class"];
      if (count > 0 || this.doors.has(source)) yield { source, class: kind, count };
    }
  }

  /** Dropped reports, by door and reason. A reason that never occurred has no number. */
  *allDropped(): Generator<DroppedCount> {
    for (const [at, count] of this.#dropped.entries()) {
      const source = DOOR_NAMES[Math.floor(at / REASONS.length)] as DoorName;
      if (count > 0) yield { source, reason: REASONS[at % REASONS.length] as DropReason, count };
    }
  }

  #add<T>(counts: Float64Array, door: DoorName, columns: readonly T[], column: T, count: number): void {
    const at = DOOR_NAMES.indexOf(door) * columns.length + columns.indexOf(column);
    counts[at] = (counts[at] as number) + count;
  }
}
