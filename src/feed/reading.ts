/** The result of a read that the feed hands to its followers, and the saved one that the feed starts from. */

import type { Arc } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";
import type { Checked } from "./check-snapshot.ts";

/** A successful read. */
export interface Reading extends Checked {
  readonly application: string;
  readonly snapshot: Snapshot;
  /** How long ago the store was asked, in milliseconds. */
  readonly ageMs: number;
  /** Whether the arcs are the same as in the reading before. */
  readonly isSame: boolean;
}

/** Says which arcs this daemon takes back before the store says so. */
export interface ArcOverrides {
  /**
   * Whether the visitors of a record are taken back: its arc then counts as rollout 0. Asked each time that
   * arcs are built. It must return at once, and it must not throw.
   *
   * @param value the record's value, unchecked; undefined if the arc comes from a saved snapshot
   */
  isTakenBack(application: string, version: string, value: unknown): boolean;
}

/** The arcs that an earlier process read from the store, and their age. */
export interface LastGood {
  readonly arcs: readonly Arc[];
  /**
   * In milliseconds; Infinity if the age is unknown, because the time of the read is in the future by this
   * clock.
   */
  readonly ageMs: number;
}

/**
 * Called after each successful read, once the new table counts, in the order of the list. It must return at
 * once, and it must not throw. If it throws, the feed logs an error and still calls the other followers; the
 * read has succeeded.
 */
export type ReadingFollower = (reading: Reading) => void;

/**
 * Called with the application and the error after each read that failed. It must return at once, and it must
 * not throw.
 */
export type FailureFollower = (application: string, error: unknown) => void;
