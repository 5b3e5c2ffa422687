/** The snapshots of the last read. If the rows of an application are the same, so is the object. */

import type { Snapshot } from "../store.ts";
import { type Row, recordOf } from "./rows.ts";

interface Known {
  readonly text: string;
  readonly snapshot: Snapshot;
}

export class KnownSnapshots {
  readonly #known = new Map<string, Known>();

  /** The snapshot of an application that has these rows now. */
  of(application: string, rows: readonly Row[]): Snapshot {
    const text = JSON.stringify(rows);
    const known = this.#known.get(application);
    if (known?.text === text) return known.snapshot;
    const snapshot = new Map(rows.map((row) => [String(row["version"]), recordOf(row)]));
    this.#known.set(application, { text, snapshot });
    return snapshot;
  }
}
