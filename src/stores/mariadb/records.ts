/** The statements on the table. */

import {
  DIGEST_LENGTH,
  HISTORY_BYTES_MAX,
  partsOfRevision,
  pastOf,
  READ_BYTES_MAX,
  RECORD_BYTES,
  type Row,
  recordOf,
  revisionOf,
  tooLong,
} from "../sql/rows.ts";
import type { Ask } from "../sql/session.ts";
import { type PastRecord, type RecordFields, type Snapshot, StoreError, type StoreRecord } from "../store.ts";
import { isThere } from "./faults.ts";
import { withFields } from "./fields.ts";
import { inTransaction } from "./transaction.ts";

/** The second part of a revision, as the server computes it. */
const DIGEST = `LEFT(SHA2(COALESCE(fields, ''), 256), ${DIGEST_LENGTH})`;

/** The bytes of a record. */
export const SIZE = `(${RECORD_BYTES} + OCTET_LENGTH(version) + COALESCE(OCTET_LENGTH(fields), 0))`;

/** If there is too much, one row with the size only. */
const READ = `
  SELECT version, rollout, IF(bytes > ${READ_BYTES_MAX}, NULL, fields) AS fields, revision, bytes
  FROM (
    SELECT version, rollout, fields, revision, SUM(${SIZE}) OVER () AS bytes,
      ROW_NUMBER() OVER (ORDER BY version) AS place
    FROM maxwells_daemon WHERE application = ?
  ) AS records
  WHERE bytes <= ${READ_BYTES_MAX} OR place = 1`;

const ONE = "SELECT rollout, fields, revision FROM maxwells_daemon WHERE application = ? AND version = ?";

const HISTORY = `
  SELECT version, rollout, fields, changed_by, at
  FROM (
    SELECT newest.*, SUM(${SIZE}) OVER (ORDER BY place) AS bytes
    FROM (
      SELECT states.*, ROW_NUMBER() OVER (ORDER BY id DESC) AS place
      FROM (
        (SELECT id, version, rollout, fields, changed_by,
          CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', changed_at) / 1000 AS DOUBLE) AS at
        FROM maxwells_daemon_history WHERE application = ? ORDER BY id DESC LIMIT ?)
        UNION ALL
        (SELECT 0, version, rollout, fields, NULL, NULL FROM maxwells_daemon AS now
        WHERE application = ? AND NOT EXISTS (
          SELECT * FROM maxwells_daemon_history AS past
          WHERE past.application = now.application AND past.version = now.version AND past.revision = now.revision)
        LIMIT ?)
      ) AS states
    ) AS newest
    WHERE place <= ?
  ) AS summed
  WHERE bytes <= ${HISTORY_BYTES_MAX} ORDER BY place`;

/** All records of an application, in one statement and so at one moment. */
export async function readSnapshot(ask: Ask, application: string): Promise<Snapshot> {
  const rows = await ask(READ, [application]);
  if (Number(rows[0]?.["bytes"] ?? 0) > READ_BYTES_MAX) throw tooLong(application, READ_BYTES_MAX);
  return new Map(rows.map((row) => [String(row["version"]), recordOf(row)]));
}

/** The record as it is now; undefined if there is none. */
export async function readRecord(
  ask: Ask,
  application: string,
  version: string,
): Promise<StoreRecord | undefined> {
  const [row] = await ask(ONE, [application, version]);
  return row === undefined ? undefined : recordOf(row);
}

/** Creates a record. Returns its revision; undefined if there is a record already. */
export async function insertRecord(
  ask: Ask,
  application: string,
  version: string,
  { rollout, ...others }: RecordFields,
): Promise<string | undefined> {
  try {
    return await inTransaction(ask, async () => {
      await ask("INSERT INTO maxwells_daemon (application, version, rollout, fields) VALUES (?, ?, ?, ?)", [
        ...[application, version, rollout],
        JSON.stringify(others),
      ]);
      return revisionThere(ask, application, version);
    });
  } catch (error) {
    if (isThere(error)) return undefined;
    throw error;
  }
}

/**
 * Changes a record if it still has the revision. Returns the next revision; undefined if the record has
 * another one or is gone.
 *
 * The first statement locks the row, and so it reads the newest state, whatever the isolation of
 * transactions. All other writers of the record wait until this one has ended.
 */
export async function updateRecord(
  ask: Ask,
  application: string,
  version: string,
  { rollout, ...others }: RecordFields,
  expected: string,
): Promise<string | undefined> {
  return inTransaction(ask, async () => {
    const [row] = await ask(`${ONE} FOR UPDATE`, [application, version]);
    if (row === undefined || revisionOf(row) !== expected) return undefined;
    // The trigger sees by the revision that it was this program. It counts by itself.
    await ask(
      `UPDATE maxwells_daemon SET rollout = ?, fields = ?, revision = revision + 1
       WHERE application = ? AND version = ?`,
      [rollout, withFields(row["fields"], others), application, version],
    );
    return revisionThere(ask, application, version);
  });
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
  const [done] = await inTransaction(ask, () =>
    ask(
      `DELETE FROM maxwells_daemon WHERE application = ? AND version = ? AND revision = ? AND ${DIGEST} = ?`,
      [application, version, parts.count, parts.digest],
    ),
  );
  return Number(done?.["affected"]) > 0;
}

/** The server's clock: milliseconds since 1970. The time zone of the session is UTC. */
export async function readClock(ask: Ask): Promise<number> {
  const [row] = await ask(
    "SELECT CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6)) / 1000 AS DOUBLE) AS now_ms",
  );
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
  const rows = await ask(HISTORY, [application, limit, application, limit, limit]);
  return rows.map((row) => pastOf(row, loginOf(row)));
}

/** The server keeps USER@HOST. */
function loginOf({ changed_by: account }: Row): string | undefined {
  if (typeof account !== "string") return undefined;
  const end = account.lastIndexOf("@");
  return end < 0 ? account : account.slice(0, end);
}

/** The revision that the trigger has given, read by the transaction that wrote. */
async function revisionThere(ask: Ask, application: string, version: string): Promise<string | undefined> {
  const [row] = await ask(ONE, [application, version]);
  return row === undefined ? undefined : revisionOf(row);
}
