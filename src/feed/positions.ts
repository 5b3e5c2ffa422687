/**
 * Whether a snapshot is older than the last one, by the positions of its records: then it comes from a replica that lags, or
 * from a backup.
 *
 * As long as the last values hold it counts as a read that failed, lest a canary that was taken back returns for a moment;
 * after that, what the store says is the truth again, as nothing else will come.
 */

import type { Snapshot } from "../stores/store.ts";

/** A record that went back. */
export interface Outdated {
  readonly version: string;
  readonly position: number;
  readonly before: number;
}

export class Positions {
  /** The highest position that each record was read at. */
  #positions: ReadonlyMap<string, number> = new Map();

  /** The first record that is older than it was; undefined where all are as new or newer, or tell no position. */
  outdated(snapshot: Snapshot): Outdated | undefined {
    for (const [version, { position }] of snapshot) {
      const before = this.#positions.get(version);
      if (position !== undefined && before !== undefined && position < before) {
        return { version, position, before };
      }
    }
    return undefined;
  }

  /** From now on this one is the truth. */
  accept(snapshot: Snapshot): void {
    // An empty server knows of no positions; the one behind it may be an old one.
    if (snapshot.size === 0) return;
    this.#positions = new Map(
      [...snapshot].flatMap(([version, { position }]) =>
        position === undefined ? [] : [[version, position] as const],
      ),
    );
  }
}
