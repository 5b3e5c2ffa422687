/**
 * Reads many applications, a few hundred with one statement, because one for all would make the server and
 * visitors wait. If the rows of an application have not changed, its snapshot is the same object as before.
 */

import type { Snapshot, Snapshots, StoreError } from "../store.ts";
import type { Row } from "./client.ts";
import { RECORD_BYTES, recordOf, SNAPSHOT_BYTES_MAX, tooLong } from "./records.ts";
import type { Ask } from "./session.ts";

/** Number of applications in one statement. */
const APPLICATIONS_AT_ONCE = 256;

/** An answer has this many bytes of records, and at most one application more. */
const ANSWER_BYTES = 64 * 1024;

/** The answer in place of an application's rows. */
const TOO_LONG = "too long";
const NO_ROOM = "no room";

const READ_MANY = `
  WITH records AS (
    SELECT application, version, rollout, fields::text AS fields, revision::text AS revision,
      ${RECORD_BYTES} + octet_length(version) + coalesce(octet_length(fields::text), 0) AS bytes
    FROM maxwells_daemon WHERE application = ANY($1::text[])
  ), sizes AS (
    SELECT application, sum(bytes) AS size FROM records GROUP BY application
  ), chosen AS (
    SELECT application,
      CASE
        WHEN size > ${SNAPSHOT_BYTES_MAX} THEN '${TOO_LONG}'
        WHEN sum(size) FILTER (WHERE size <= ${SNAPSHOT_BYTES_MAX}) OVER (ORDER BY application) - size >= ${ANSWER_BYTES}
          THEN '${NO_ROOM}'
      END AS refused
    FROM sizes
  )
  SELECT application, refused, version, rollout, fields, revision
  FROM chosen LEFT JOIN records USING (application) WHERE refused IS NULL
  UNION ALL
  SELECT application, refused, NULL, NULL, NULL, NULL FROM chosen WHERE refused IS NOT NULL`;

interface Known {
  readonly text: string;
  readonly snapshot: Snapshot;
}

export class PostgresMany {
  /** The state of the applications at the last read. */
  readonly #known = new Map<string, Known>();

  /** @param run runs one statement when it is its turn */
  async read(
    applications: readonly string[],
    run: <T>(use: (ask: Ask) => Promise<T>) => Promise<T>,
  ): Promise<Snapshots> {
    const answer = new Map<string, Snapshot | StoreError>();
    const waiting = applications.toReversed();
    while (waiting.length > 0) {
      const some = waiting.splice(-APPLICATIONS_AT_ONCE);
      const rows = await run((ask) => ask(READ_MANY, [some]));
      const byApplication = Map.groupBy(rows, (row) => String(row["application"]));
      for (const application of some) {
        const own = byApplication.get(application) ?? [];
        if (own[0]?.["refused"] === NO_ROOM) waiting.push(application);
        else answer.set(application, this.#answerOf(application, own));
      }
    }
    return answer;
  }

  #answerOf(application: string, rows: readonly Row[]): Snapshot | StoreError {
    if (rows[0]?.["refused"] === TOO_LONG) return tooLong(application);
    const text = JSON.stringify(rows);
    const known = this.#known.get(application);
    if (known?.text === text) return known.snapshot;
    const snapshot = new Map(rows.map((row) => [String(row["version"]), recordOf(row)]));
    this.#known.set(application, { text, snapshot });
    return snapshot;
  }
}
