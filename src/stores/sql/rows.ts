/**
 * The conversion of rows to records. `rollout` has its own column, so that operators can change it easily.
 * All other fields are JSON in the column `fields`, and `revision` counts the writes.
 */

import { createHash } from "node:crypto";
import { shallowJsonOrText } from "../shared/json-text.ts";
import { type PastRecord, StoreError, type StoreRecord } from "../store.ts";

/**
 * The most bytes of an application's records in an answer for many applications: 64 versions with 2 KiB each,
 * and a release that is under way. More would make visitors wait.
 */
export const SNAPSHOT_BYTES_MAX = 160 * 1024;

/**
 * The same for one application alone. Here releases that are over have their logs. The limit is so much
 * higher because a command must be able to end each release that a daemon follows.
 */
export const READ_BYTES_MAX = 1024 * 1024;

/** The bytes that a record counts in addition to its text. */
export const RECORD_BYTES = 64;

/** At most this many bytes of an application's history are read. */
export const HISTORY_BYTES_MAX = 4 * 1024 * 1024;

export const DIGEST_LENGTH = 16;

/** The form of a revision. */
const REVISION = new RegExp(`^(\\d{1,19})-([0-9a-f]{${DIGEST_LENGTH}})$`);

/** A row: values by column, in the types that the driver makes of the server's. */
export type Row = Readonly<Record<string, unknown>>;

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
export function revisionOf(row: Row): string {
  const text = row["fields"] === null ? "" : String(row["fields"]);
  const digest = createHash("sha256").update(text).digest("hex").slice(0, DIGEST_LENGTH);
  return `${String(row["revision"])}-${digest}`;
}

/** The two parts of a revision; undefined if it is not of `revisionOf`. */
export function partsOfRevision(revision: string): { count: string; digest: string } | undefined {
  const [, count, digest] = REVISION.exec(revision) ?? [];
  return count === undefined || digest === undefined ? undefined : { count, digest };
}

/** A row of the history. `at` is the time in milliseconds since 1970. */
export function pastOf(row: Row, login: string | undefined): PastRecord {
  return {
    version: String(row["version"]),
    value: row["fields"] === null ? undefined : contentOf(row),
    ...(typeof row["at"] === "number" ? { atMs: Math.round(row["at"]) } : {}),
    ...(login === undefined ? {} : { login }),
  };
}

export function tooLong(application: string, bytesMax: number): StoreError {
  const size = `more than ${bytesMax} bytes of records`;
  return new StoreError("malformed", `${application} has ${size}; delete versions that no longer exist`);
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
