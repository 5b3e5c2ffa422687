/**
 * The statement that reads many applications.
 *
 * Most releases are over, and their log and their arcs are most of their length. The daemon does not act upon
 * these two, so the server leaves them out.
 */

import { ANSWER_BYTES, Many, NO_ROOM, SHORT_BYTES, TOO_LONG } from "../sql/many.ts";
import { RECORD_BYTES, SNAPSHOT_BYTES_MAX } from "../sql/rows.ts";
import { stateOf } from "./faults.ts";

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

/** The error of an operator that is not there for the type of its operand (undefined_function). */
const NOT_JSON = "42883";

/** Reads many applications over one table. */
export function manyOfPostgres(): Many {
  /** False in a table that was made by hand, with fields in a column of text. */
  let isJson = true;
  return new Many(async (ask, applications) => {
    if (!isJson) return ask(READ_WHOLE, [applications]);
    try {
      return await ask(READ_SLIM, [applications]);
    } catch (error) {
      if (stateOf(error) !== NOT_JSON) throw error;
      isJson = false;
      return ask(READ_WHOLE, [applications]);
    }
  });
}
