/** The saved reading that the feed starts from, and the reading that it hands on. */

import type { Arc } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";
import type { Checked } from "./check-snapshot.ts";

/** A successful read. */
export interface Reading extends Checked {
  readonly application: string;
  readonly snapshot: Snapshot;
  /** How long ago the store was asked for it. */
  readonly ageMs: number;
  /** Whether it is the same as the reading before. */
  readonly isSame: boolean;
}

/** The arcs of an earlier process's reading, and how long ago it was read from the store. */
export interface LastGood {
  readonly arcs: readonly Arc[];
  /** Infinity if the clock says that it was read in the future: nothing can be known of its age. */
  readonly ageMs: number;
}

/**
 * Called after each successful read, when its table counts, in the order of the list. It returns at once, and
 * it must not throw: if it does, the log has an error, the other followers are called all the same, and the
 * read counts as a success.
 */
export type ReadingFollower = (reading: Reading) => void;
