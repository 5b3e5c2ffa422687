/**
 * Reads the records of many applications, in answers of limited size, because one statement for all would
 * make the server and visitors wait. If the rows of an application have not changed, its snapshot is the same
 * object as before.
 */

import type { Snapshot, Snapshots, StoreError } from "../store.ts";
import { KnownSnapshots } from "./known.ts";
import { type Row, SNAPSHOT_BYTES_MAX, tooLong } from "./rows.ts";
import type { Ask } from "./session.ts";

/** At most this many applications are asked for in one statement. */
export const APPLICATIONS_AT_ONCE = 256;

/** After an answer without room for all, the next statements ask for as many as there was room for. */
const APPLICATIONS_AT_LEAST = 4;

/** An answer has this many bytes of records, and at most one application more. */
export const ANSWER_BYTES = 64 * 1024;

/** The answer in place of an application's rows, in the column `refused`. */
export const TOO_LONG = "too long";
export const NO_ROOM = "no room";

/** Shorter fields are not worth a look into them. */
export const SHORT_BYTES = 512;

export class Many {
  readonly #rowsOf: (ask: Ask, applications: readonly string[]) => Promise<readonly Row[]>;
  readonly #known = new KnownSnapshots();

  /** @param rowsOf the rows of the applications, or one row for each that is refused */
  constructor(rowsOf: (ask: Ask, applications: readonly string[]) => Promise<readonly Row[]>) {
    this.#rowsOf = rowsOf;
  }

  /** @param run runs one statement when it is its turn */
  async read(
    applications: readonly string[],
    run: <T>(use: (ask: Ask) => Promise<T>) => Promise<T>,
  ): Promise<Snapshots> {
    const answer = new Map<string, Snapshot | StoreError>();
    const waiting = applications.toReversed();
    let atOnce = APPLICATIONS_AT_ONCE;
    while (waiting.length > 0) {
      const some = waiting.splice(-atOnce);
      const rows = await run((ask) => this.#rowsOf(ask, some));
      const byApplication = Map.groupBy(rows, (row) => String(row["application"]));
      const before = answer.size;
      for (const application of some) {
        const own = byApplication.get(application) ?? [];
        if (own[0]?.["refused"] === NO_ROOM) waiting.push(application);
        else if (own[0]?.["refused"] === TOO_LONG)
          answer.set(application, tooLong(application, SNAPSHOT_BYTES_MAX));
        else answer.set(application, this.#known.of(application, own));
      }
      const answered = answer.size - before;
      // The server reads what it refuses too, so asking for all again and again would cost a lot.
      atOnce =
        answered < some.length
          ? Math.max(APPLICATIONS_AT_LEAST, answered)
          : Math.min(APPLICATIONS_AT_ONCE, Math.ceil(atOnce * 1.125));
    }
    return answer;
  }
}
