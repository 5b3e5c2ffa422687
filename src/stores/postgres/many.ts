/**
 * Reads the records of many applications, in answers of limited size, because one statement for all would
 * make the server and visitors wait. If the rows of an application have not changed, its snapshot is the same
 * object as before.
 *
 * Most releases are over, and their log and their arcs are most of their length. The daemon does not act upon
 * these two, so the server leaves them out.
 */

import type { Snapshot, Snapshots, StoreError } from "../store.ts";
import type { Row } from "./client.ts";
import { stateOf } from "./faults.ts";
import { RECORD_BYTES, recordOf, SNAPSHOT_BYTES_MAX, tooLong } from "./records.ts";
import type { Ask } from "./session.ts";

/** At most this many applications are asked for in one statement. */
const APPLICATIONS_AT_ONCE = 256;

/** After an answer without room for all, the next statements ask for as many as there was room for. */
const APPLICATIONS_AT_LEAST = 4;

/** An answer has this many bytes of records, and at most one application more. */
const ANSWER_BYTES = 64 * 1024;

/** The answer in place of an application's rows. */
const TOO_LONG = "too long";
const NO_ROOM = "no room";

/** Shorter fields are not worth a look into them. */
const SHORT_BYTES = 512;

/** OFFSET keeps the server from taking the release out of the fields more than once, which is slow. */
const SLIM_RECORDS = `
  SELECT application, version, rollout, revision::text AS revision,
    CASE WHEN release ->> 'state' IN ('aborted', 'finished') AND release -> 'fade' IS NULL
      THEN (fields || jsonb_build_object('release', release - '{log,arcs}'::text[]))::text
      ELSE fields::text
    END AS fields
  FROM (
    SELECT *, CASE WHEN pg_column_size(fields) > ${SHORT_BYTES} THEN fields -> 'release' END AS release
    FROM maxwells_daemon WHERE application = ANY($1::text[]) OFFSET 0
  ) AS found`;

const WHOLE_RECORDS = `
  SELECT application, version, rollout, revision::text AS revision, fields::text AS fields
  FROM maxwells_daemon WHERE application = ANY($1::text[])`;

const readManyOf = (records: string) => `
  WITH records AS MATERIALIZED (${records}
  ), sizes AS (
    SELECT application, sum(${RECORD_BYTES} + octet_length(version) + coalesce(octet_length(fields), 0)) AS size
    FROM records GROUP BY application
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

const READ_SLIM = readManyOf(SLIM_RECORDS);
const READ_WHOLE = readManyOf(WHOLE_RECORDS);

interface Known {
  readonly text: string;
  readonly snapshot: Snapshot;
}

/** The error of an operator that is not there for the type of its operand (undefined_function). */
const NOT_JSON = "42883";

export class PostgresMany {
  /** False in a table that was made by hand, with fields in a column of text. */
  #isJson = true;
  /** The state of the applications at the last read. */
  readonly #known = new Map<string, Known>();

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
        else answer.set(application, this.#answerOf(application, own));
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

  async #rowsOf(ask: Ask, applications: readonly string[]): Promise<readonly Row[]> {
    if (!this.#isJson) return ask(READ_WHOLE, [applications]);
    try {
      return await ask(READ_SLIM, [applications]);
    } catch (error) {
      if (stateOf(error) !== NOT_JSON) throw error;
      this.#isJson = false;
      return ask(READ_WHOLE, [applications]);
    }
  }

  #answerOf(application: string, rows: readonly Row[]): Snapshot | StoreError {
    if (rows[0]?.["refused"] === TOO_LONG) return tooLong(application, SNAPSHOT_BYTES_MAX);
    const text = JSON.stringify(rows);
    const known = this.#known.get(application);
    if (known?.text === text) return known.snapshot;
    const snapshot = new Map(rows.map((row) => [String(row["version"]), recordOf(row)]));
    this.#known.set(application, { text, snapshot });
    return snapshot;
  }
}
