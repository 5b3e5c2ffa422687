/** The statements on the table. */

import {
  DIGEST_LENGTH,
  HISTORY_BYTES_MAX,
  partsOfRevision,
  pastOf,
  READ_BYTES_MAX,
  RECORD_BYTES,
  recordOf,
  revisionOf,
  tooLong,
} from "../sql/rows.ts";
import type { Ask } from "../sql/session.ts";
import { type PastRecord, type RecordFields, type Snapshot, StoreError, type StoreRecord } from "../store.ts";
import { SIGNED } from "./schema.ts";

/** The second part of a revision, as the server computes it. */
const DIGEST = `left(encode(sha256(convert_to(coalesce(fields::text, ''), 'UTF8')), 'hex'), ${DIGEST_LENGTH})`;

/** The columns of which a revision is made. */
const REVISED = "revision::text AS revision, fields::text AS fields";

const READ = `
  SELECT version, rollout, fields::text AS fields, revision::text AS revision
  FROM (
    SELECT version, rollout, fields, revision,
      sum(${RECORD_BYTES} + octet_length(version) + coalesce(octet_length(fields::text), 0)) OVER () AS bytes
    FROM maxwells_daemon WHERE application = $1
  ) AS records
  WHERE bytes <= ${READ_BYTES_MAX}
  UNION ALL
  SELECT NULL, NULL, NULL, NULL
  FROM maxwells_daemon WHERE application = $1
  HAVING sum(${RECORD_BYTES} + octet_length(version) + coalesce(octet_length(fields::text), 0)) > ${READ_BYTES_MAX}`;

/** All records of an application, in one statement and so at one moment. */
export async function readSnapshot(ask: Ask, application: string): Promise<Snapshot> {
  const rows = await ask(READ, [application]);
  return new Map(
    rows.map((row) => {
      if (typeof row["version"] === "string") return [row["version"], recordOf(row)];
      throw tooLong(application, READ_BYTES_MAX);
    }),
  );
}

/** The record as it is now; undefined if there is none. */
export async function readRecord(
  ask: Ask,
  application: string,
  version: string,
): Promise<StoreRecord | undefined> {
  const [row] = await ask(
    `SELECT rollout, fields::text AS fields, revision::text AS revision
     FROM maxwells_daemon WHERE application = $1 AND version = $2`,
    [application, version],
  );
  return row === undefined ? undefined : recordOf(row);
}

/** Creates a record. Returns its revision; undefined if there is a record already. */
export async function insertRecord(
  ask: Ask,
  application: string,
  version: string,
  { rollout, ...others }: RecordFields,
): Promise<string | undefined> {
  const [row] = await ask(
    `INSERT INTO maxwells_daemon (application, version, rollout, fields) VALUES ($1, $2, $3, $4::jsonb)
     ON CONFLICT (application, version) DO NOTHING RETURNING ${REVISED}`,
    [application, version, rollout, JSON.stringify(others)],
  );
  return row === undefined ? undefined : revisionOf(row);
}

/**
 * Changes a record if it still has the revision. Returns the next revision; undefined if the record has
 * another one or is gone.
 */
export async function updateRecord(
  ask: Ask,
  application: string,
  version: string,
  { rollout, ...others }: RecordFields,
  expected: string,
): Promise<string | undefined> {
  const parts = partsOfRevision(expected);
  if (parts === undefined) return undefined;
  const removed = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [name] : []));
  const [row] = await ask(
    `UPDATE maxwells_daemon SET rollout = $3, fields = (fields - 'rollout' - $4::text[]) || $5::jsonb
     FROM set_config('${SIGNED}', 'on', true)
     WHERE application = $1 AND version = $2 AND revision = $6::bigint AND ${DIGEST} = $7
     RETURNING ${REVISED}`,
    [application, version, rollout, removed, JSON.stringify(others), parts.count, parts.digest],
  );
  return row === undefined ? undefined : revisionOf(row);
}

/** Removes a record if it still has the revision. Resolves with whether it had. */
export async function deleteRecord(
  ask: Ask,
  application: string,
  version: string,
  expected: string,
): Promise<boolean> {
  const parts = partsOfRevision(expected);
  if (parts === undefined) return false;
  const rows = await ask(
    `DELETE FROM maxwells_daemon WHERE application = $1 AND version = $2 AND revision = $3::bigint AND ${DIGEST} = $4
     RETURNING version`,
    [application, version, parts.count, parts.digest],
  );
  return rows.length > 0;
}

/** The server's clock: milliseconds since 1970. */
export async function readClock(ask: Ask): Promise<number> {
  const [row] = await ask("SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now_ms");
  const nowMs = row?.["now_ms"];
  if (typeof nowMs === "number") return nowMs;
  throw new StoreError("malformed", "the server's clock gives no number; check what answers at this address");
}

/**
 * An application's history, newest first, including the current states. States that an operator deleted from
 * the history are missing.
 */
export async function readHistory(
  ask: Ask,
  application: string,
  limit: number,
): Promise<readonly PastRecord[]> {
  const rows = await ask(
    `SELECT version, rollout, fields::text AS fields, changed_by, at
     FROM (
       SELECT *, sum(${RECORD_BYTES} + octet_length(version) + coalesce(octet_length(fields::text), 0))
         OVER (ORDER BY id DESC) AS bytes
       FROM (
         SELECT id, version, rollout, fields, changed_by::text, extract(epoch FROM changed_at)::float8 * 1000 AS at
         FROM maxwells_daemon_history WHERE application = $1
         UNION ALL
         SELECT 0, version, rollout, fields, NULL, NULL FROM maxwells_daemon AS now
         WHERE application = $1 AND NOT EXISTS (
           SELECT FROM maxwells_daemon_history AS past
           WHERE past.application = $1 AND past.version = now.version AND past.revision = now.revision)
         ORDER BY id DESC LIMIT $2
       ) AS newest
     ) AS summed
     WHERE bytes <= ${HISTORY_BYTES_MAX} ORDER BY id DESC`,
    [application, limit],
  );
  return rows.map((row) => {
    const login = row["changed_by"];
    return pastOf(row, typeof login === "string" ? login : undefined);
  });
}
