/**
 * The numbers on the pages of the stores that are constants of the code. `test/docs.test.ts` compares them. A
 * page says them in sentences of its own, so they are not written by `npm run docs`.
 */

/** The form of a number on a page: 1.5 for 1500 ms, 4 for 4096 bytes in KB, or the number itself. */
export type PageUnit = "s" | "KB" | "MB" | "GB" | "";

export interface PageNumbers {
  /** The page in `docs/stores`, without `.md`. */
  readonly page: string;
  /** A part of a sentence, with `{}` in place of each number. */
  readonly text: string;
  readonly numbers: readonly (readonly [path: string, name: string, unit: PageUnit])[];
}

const EVIDENCE = "src/stores/evidence.ts";
const PARTS = "src/stores/shared/document-parts.ts";
const DOCUMENT = "src/stores/shared/document.ts";
const RELEASE = "src/releases/release.ts";

export const PAGE_NUMBERS: readonly PageNumbers[] = [
  of("file", "It is larger than {} MiB", [DOCUMENT, "DOCUMENT_BYTES_MAX", "MB"]),
  of(
    "file",
    "has more than {} KiB, {} versions, {} JSON values or {} backslashes, or a record nested deeper than {} levels",
    [PARTS, "APPLICATION_BYTES_MAX", "KB"],
    ["src/stores/store.ts", "RECORDS_MAX", ""],
    [PARTS, "APPLICATION_VALUES_MAX", ""],
    [PARTS, "APPLICATION_ESCAPES_MAX", ""],
    [PARTS, "RECORD_DEPTH_MAX", ""],
  ),
  of("file", "A release takes up to {} KB in the file", [RELEASE, "RELEASE_BYTES_MAX", "KB"]),
  of(
    "file",
    "at most {} files of about {} MiB",
    ["src/stores/file/evidence-writer.ts", "FILES_MAX", ""],
    ["src/stores/file/evidence-writer.ts", "FILE_BYTES_MAX", "MB"],
  ),
  of("file", "The disk has less than {} MiB left.", [
    "src/stores/file/evidence-writer.ts",
    "ROOM_BYTES_MIN",
    "MB",
  ]),
  of("file", "It breaks the lock after {} s.", ["src/stores/file/lock.ts", "LOCK_STALE_MS", "s"]),
  of("file", "`set` gives up after {} s", ["src/stores/file/lock.ts", "LOCK_WAIT_MS", "s"]),
  of("file", "If the file is longer than {} KiB", ["src/stores/file.ts", "SHORT_BYTES", "KB"]),
  of(
    "file",
    "that would make the file larger than {} MiB, or its application larger than {} KiB",
    [DOCUMENT, "DOCUMENT_BYTES_MAX", "MB"],
    [PARTS, "APPLICATION_BYTES_MAX", "KB"],
  ),
  of("http", "A request may take {} s in all.", ["src/stores/http.ts", "REQUEST_TIMEOUT_MS", "s"]),
  of("http", "larger than {} MiB, compressed", [DOCUMENT, "DOCUMENT_BYTES_MAX", "MB"]),
  of(
    "redis",
    "The daemon waits {} s for a connection and {} s for an answer.",
    ["src/stores/redis/connection.ts", "OPEN_TIMEOUT_MS", "s"],
    ["src/stores/redis/connection.ts", "COMMAND_TIMEOUT_MS", "s"],
  ),
  of(
    "redis",
    "more than {} KiB or {} fields in it; an answer that is not Redis's or is larger than {} MiB",
    ["src/stores/redis.ts", "HASH_BYTES_MAX", "KB"],
    ["src/stores/redis.ts", "HASH_FIELDS_MAX", ""],
    ["src/stores/redis/connection.ts", "ANSWER_BYTES_MAX", "MB"],
  ),
  of("redis", "than {} MiB of Redis's memory", ["src/stores/redis/evidence.ts", "LOG_BYTES_MAX", "MB"]),
  of("redis", "less than {} MiB of `maxmemory` are left", [
    "src/stores/redis/evidence.ts",
    "ROOM_BYTES_MIN",
    "MB",
  ]),
  of(
    "redis",
    "One script reads {} applications at a time, with a millisecond before the next {}.",
    ["src/stores/redis/many.ts", "KEYS_AT_ONCE", ""],
    ["src/stores/redis/many.ts", "KEYS_AT_ONCE", ""],
  ),
  of("redis", "port it is {}", ["src/stores/redis/address.ts", "DEFAULT_PORT", ""]),
  of("postgres", "fields of more than {} KiB", ["src/stores/postgres/schema.ts", "FIELDS_BYTES_MAX", "KB"]),
  of("postgres", "more than {} KiB of records", ["src/stores/sql/rows.ts", "SNAPSHOT_BYTES_MAX", "KB"]),
  of("postgres", "A read may take {} s, with connecting.", [
    "src/stores/sql/sql-store.ts",
    "READ_TIMEOUT_MS",
    "s",
  ]),
  of("postgres", "Every {} s the daemon asks over the connection that listens", [
    "src/stores/postgres/listener.ts",
    "HEALTH_CHECK_MS",
    "s",
  ]),
  of(
    "postgres",
    "each {}th new row removes up to {} old",
    ["src/stores/postgres/evidence-schema.ts", "CLEAR_EVERY", ""],
    ["src/stores/postgres/evidence-schema.ts", "CLEARED_ROWS", ""],
  ),
  of("postgres", "reads up to {} applications", ["src/stores/sql/many.ts", "APPLICATIONS_AT_ONCE", ""]),
  of("mariadb", "fields of more than {} KiB", ["src/stores/mariadb/schema.ts", "FIELDS_BYTES_MAX", "KB"]),
  of("mariadb", "more than {} KiB of records", ["src/stores/sql/rows.ts", "SNAPSHOT_BYTES_MAX", "KB"]),
  of("mariadb", "A read may take {} s, with connecting.", [
    "src/stores/sql/sql-store.ts",
    "READ_TIMEOUT_MS",
    "s",
  ]),
  of("mariadb", "also removes up to {} old ones", [
    "src/stores/mariadb/evidence-schema.ts",
    "CLEARED_ROWS",
    "",
  ]),
  of("mariadb", "the sums of up to {} applications", ["src/stores/sql/many.ts", "APPLICATIONS_AT_ONCE", ""]),
  of(
    "etcd",
    "The daemon waits {} s for one endpoint, and {} s for all together.",
    ["src/stores/etcd/gateway.ts", "ENDPOINT_TIMEOUT_MS", "s"],
    ["src/stores/etcd/gateway.ts", "CALL_TIMEOUT_MS", "s"],
  ),
  of("etcd", "The port is {} by default.", ["src/stores/etcd/address.ts", "PORT", ""]),
  of(
    "etcd",
    "more than {} KiB of records or {} keys in an application",
    ["src/stores/etcd/snapshots.ts", "APPLICATION_BYTES_MAX", "KB"],
    ["src/stores/store.ts", "RECORDS_MAX", ""],
  ),
  of("etcd", "If the database of etcd is larger than {} GiB", [
    "src/stores/etcd/evidence-room.ts",
    "DB_BYTES_MAX",
    "GB",
  ]),
  of("etcd", "It shows at most {}", ["src/stores/etcd/history.ts", "STEPS_MAX", ""]),
  of("etcd", "Then the daemon opens another after {} s.", ["src/stores/etcd/watch.ts", "SILENCE_MS", "s"]),
  of("etcd", "{} keys in one", ["src/stores/etcd/many-pages.ts", "PAGE_KEYS", ""]),
  of(
    "nats",
    "The daemon waits {} s for one host, {} s for all together, and {} s for an answer.",
    ["src/stores/nats/connection.ts", "OPEN_TIMEOUT_MS", "s"],
    ["src/stores/nats/session.ts", "OPEN_ALL_TIMEOUT_MS", "s"],
    ["src/stores/nats/connection.ts", "ANSWER_TIMEOUT_MS", "s"],
  ),
  of("nats", "The port is {} by default.", ["src/stores/nats/address.ts", "PORT", ""]),
  of("nats", "a message of more than {} MiB", ["src/stores/nats/frames.ts", "FRAME_BYTES_MAX", "MB"]),
  of(
    "nats",
    "more than {} KiB of records, {} records, or {} keys",
    ["src/stores/nats/records.ts", "APPLICATION_BYTES_MAX", "KB"],
    ["src/stores/store.ts", "RECORDS_MAX", ""],
    ["src/stores/nats/values.ts", "KEYS_MAX", ""],
  ),
  of("nats", "a record of more than {} KiB", ["src/stores/nats/records.ts", "RECORD_LENGTH_MAX", "KB"]),
  of("nats", "the last {} values of each key", ["src/stores/nats/buckets.ts", "HISTORY", ""]),
  of("nats", "NATS deletes a message after {} days", ["src/stores/nats/buckets.ts", "EVIDENCE_DAYS", ""]),
  of("nats", "If the stream has more than {} GiB", [
    "src/stores/nats/buckets.ts",
    "EVIDENCE_BYTES_MAX",
    "GB",
  ]),
  of(
    "dynamodb",
    "A request may take {} s and is tried {} times. All tries together end after {} s.",
    ["src/stores/dynamodb/calls.ts", "REQUEST_TIMEOUT_MS", "s"],
    ["src/stores/dynamodb/calls.ts", "ATTEMPTS_MAX", ""],
    ["src/stores/dynamodb/calls.ts", "CALL_TIMEOUT_MS", "s"],
  ),
  of("dynamodb", "longer than {} MiB, or compressed", [
    "src/stores/dynamodb/bounded-answers.ts",
    "ANSWER_BYTES_MAX",
    "MB",
  ]),
  of("dynamodb", "It has {} KB at most.", [RELEASE, "RELEASE_BYTES_MAX", "KB"]),
  of("dynamodb", "the evidence, at most {} KB", [EVIDENCE, "BATCH_BYTES_MAX", "KB"]),
  of("module", "`append` adds texts of at most {} KiB", [EVIDENCE, "BATCH_BYTES_MAX", "KB"]),
  of("module", "that takes more than {} s", ["src/feed/bounded-read.ts", "READ_TIMEOUT_MS", "s"]),
  of("module", "calls `read` for each, {} at a time", ["src/feed/round.ts", "READS_MAX", ""]),
];

function of(page: string, text: string, ...numbers: PageNumbers["numbers"]): PageNumbers {
  return { page, text, numbers };
}

const SIZES: Readonly<Record<PageUnit, number>> = {
  ...{ s: 1_000, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 },
  "": 1,
};

/** The number as the page has it. */
export function onPage(value: number, unit: PageUnit): string {
  return String(value / SIZES[unit]);
}
