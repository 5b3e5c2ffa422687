/**
 * Finds out by the positions of records whether a snapshot is older than the last one. An older one comes
 * from a replica that lags, or from a backup.
 *
 * While the table is fresh, such a read has failed: otherwise a canary that was taken back could return for a
 * moment. Once the table is stale, the store's answer counts again, because no better one will come.
 */

import type { Snapshot } from "../stores/store.ts";

/** A record whose position is lower than before. */
export interface Outdated {
  readonly version: string;
  readonly position: number;
  readonly before: number;
}

export class Positions {
  /** The position of each record in the last accepted snapshot. */
  #positions: ReadonlyMap<string, number> = new Map();

  /**
   * The first record that is older than it was; undefined if there is none. Records without a position never
   * are.
   */
  outdated(snapshot: Snapshot): Outdated | undefined {
    for (const [version, { position }] of snapshot) {
      const before = this.#positions.get(version);
      if (position !== undefined && before !== undefined && position < before) {
        return { version, position, before };
      }
    }
    return undefined;
  }

  /** Later snapshots are compared with this one. */
  accept(snapshot: Snapshot): void {
    // An empty server has no positions, and the next server may be an old one: keep the positions to
    // compare.
    if (snapshot.size === 0) return;
    this.#positions = new Map(
      [...snapshot].flatMap(([version, { position }]) =>
        position === undefined ? [] : [[version, position] as const],
      ),
    );
  }
}
