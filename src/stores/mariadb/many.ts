/**
 * The statement that reads many applications.
 *
 * Most releases are over, and their log and their arcs are most of their length. The daemon does not act upon
 * these two, so the server leaves them out.
 */

import { ANSWER_BYTES, APPLICATIONS_AT_ONCE, Many, NO_ROOM, SHORT_BYTES, TOO_LONG } from "../sql/many.ts";
import { SNAPSHOT_BYTES_MAX } from "../sql/rows.ts";
import { SIZE } from "./records.ts";

/**
 * A prepared statement has a fixed number of names. With three of them, the server keeps three statements.
 */
const NAMES = [8, 64, APPLICATIONS_AT_ONCE];

/** In a column of text that is not JSON, each of these functions gives NULL, and the text stays. */
const SLIM = `
  CASE WHEN OCTET_LENGTH(fields) > ${SHORT_BYTES}
      AND JSON_VALUE(fields, '$.release.state') IN ('aborted', 'finished')
      AND COALESCE(JSON_TYPE(JSON_EXTRACT(fields, '$.release.fade')), 'NULL') = 'NULL'
    THEN JSON_REMOVE(fields, '$.release.log', '$.release.arcs')
    ELSE fields
  END`;

/** An application that is refused has one row. */
const readManyOf = (names: number) => `
  SELECT application, refused, version, IF(refused IS NULL, rollout, NULL) AS rollout,
    IF(refused IS NULL, fields, NULL) AS fields, revision
  FROM (
    SELECT sized.*,
      CASE
        WHEN bytes > ${SNAPSHOT_BYTES_MAX} THEN '${TOO_LONG}'
        WHEN SUM(IF(bytes > ${SNAPSHOT_BYTES_MAX}, 0, size)) OVER (ORDER BY application) - bytes >= ${ANSWER_BYTES}
          THEN '${NO_ROOM}'
      END AS refused
    FROM (
      SELECT records.*, ${SIZE} AS size, SUM(${SIZE}) OVER (PARTITION BY application) AS bytes,
        ROW_NUMBER() OVER (PARTITION BY application ORDER BY version) AS place
      FROM (
        SELECT application, version, rollout, revision, ${SLIM} AS fields
        FROM maxwells_daemon WHERE application IN (${Array(names).fill("?").join(", ")})
      ) AS records
    ) AS sized
  ) AS chosen
  WHERE refused IS NULL OR place = 1`;

const STATEMENTS = NAMES.map((names) => ({ names, text: readManyOf(names) }));

/** Reads many applications over one table. */
export function manyOfMariadb(): Many {
  return new Many((ask, applications) => {
    const statement = STATEMENTS.find(({ names }) => names >= applications.length) ?? STATEMENTS.at(-1);
    const { names = 0, text = "" } = statement ?? {};
    // A name that comes again changes nothing.
    const others = Array<string>(names - applications.length).fill(applications[0] ?? "");
    return ask(text, [...applications, ...others]);
  });
}
