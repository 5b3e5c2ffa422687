/**
 * The statements on the table, and the conversion of rows to records. `rollout` has its own column, so that
 * operators can change it easily; all other fields are in `fields`.
 */

import { createHash } from "node:crypto";
import { shallowJsonOrText } from "../shared/json-text.ts";
import { type PastRecord, type RecordFields, type Snapshot, StoreError, type StoreRecord } from "../store.ts";
import type { Row } from "./client.ts";
import { SIGNED } from "./schema.ts";
import type { Ask } from "./session.ts";

/**
 * The most bytes of an application's records in an answer for many applications: 64 versions with 2 KiB each,
 * and a release that is under way. More would make visitors wait.
 */
export const SNAPSHOT_BYTES_MAX = 160 * 1024;

/**
 * The same for one application alone. Here releases that are over have their logs. The limit is so much
 * higher because a command must be able to end each release that a daemon follows.
 */
const READ_BYTES_MAX = 1024 * 1024;

/** The bytes that a record counts in addition to its text. */
export const RECORD_BYTES = 64;

/** At most this many states of an application's history are read. */
const HISTORY_BYTES_MAX = 4 * 1024 * 1024;

const DIGEST_LENGTH = 16;

/** The form of a revision. */
const REVISION = new RegExp(`^(\\d{1,19})-([0-9a-f]{${DIGEST_LENGTH}})$`);

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

export function tooLong(application: string, bytesMax: number): StoreError {
  const size = `more than ${bytesMax} bytes of records`;
  return new StoreError("malformed", `${application} has ${size}; delete versions that no longer exist`);
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
  const [count, digest] = REVISION.exec(expected)?.slice(1) ?? [];
  if (count === undefined) return undefined;
  const removed = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [name] : []));
  const [row] = await ask(
    `UPDATE maxwells_daemon SET rollout = $3, fields = (fields - 'rollout' - $4::text[]) || $5::jsonb
     FROM set_config('${SIGNED}', 'on', true)
     WHERE application = $1 AND version = $2 AND revision = $6::bigint AND ${DIGEST} = $7
     RETURNING ${REVISED}`,
    [application, version, rollout, removed, JSON.stringify(others), count, digest],
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
  const [count, digest] = REVISION.exec(expected)?.slice(1) ?? [];
  if (count === undefined) return false;
  const rows = await ask(
    `DELETE FROM maxwells_daemon WHERE application = $1 AND version = $2 AND revision = $3::bigint AND ${DIGEST} = $4
     RETURNING version`,
    [application, version, count, digest],
  );
  return rows.length > 0;
}

/** The names of all applications. */
export async function readApplications(ask: Ask): Promise<readonly string[]> {
  const rows = await ask("SELECT DISTINCT application FROM maxwells_daemon");
  return rows.map(({ application }) => String(application));
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
  return rows.map((row) => ({
    version: String(row["version"]),
    value: row["fields"] === null ? undefined : contentOf(row),
    ...(typeof row["at"] === "number" ? { atMs: Math.round(row["at"]) } : {}),
    ...(typeof row["changed_by"] === "string" ? { login: row["changed_by"] } : {}),
  }));
}

export function recordOf(row: Row): StoreRecord {
  const position = Number(row["revision"]);
  return {
    value: contentOf(row),
    // A daemon needs no revisions, so they are computed only for writers.
    get revision() {
      return revisionOf(row);
    },
    ...(Number.isSafeInteger(position) ? { position } : {}),
  };
}

/**
 * The count of the row, and a digest of its fields. After a fail-over to an older replica, the count comes
 * again with other fields, and a writer that read before must lose.
 */
function revisionOf(row: Row): string {
  const text = row["fields"] === null ? "" : String(row["fields"]);
  const digest = createHash("sha256").update(text).digest("hex").slice(0, DIGEST_LENGTH);
  return `${String(row["revision"])}-${digest}`;
}

/**
 * The value of a row. In a table that was made by hand, `rollout` may be empty, and `fields` may be
 * anything.
 */
function contentOf(row: Row): unknown {
  const fields = parse(row["fields"]);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return fields;
  return row["rollout"] === null ? fields : { ...fields, rollout: row["rollout"] };
}

/**
 * In a table that was made by hand, a text column may have anything. Then this record is malformed, and the
 * others are read.
 */
function parse(text: unknown): unknown {
  return text === null ? {} : shallowJsonOrText(String(text));
}
