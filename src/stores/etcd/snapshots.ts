/** The keys of applications as snapshots for a daemon. Pure. */

import { RELEASE } from "../../releases/release.ts";
import { asObject, restOfRelease } from "../shared/release-rest.ts";
import { RECORDS_MAX, type Snapshot, type StoreError, type StoreRecord } from "../store.ts";
import { EtcdError } from "./faults.ts";
import { versionOf } from "./keys.ts";
import { type KeyValue, recordOf } from "./records.ts";

/**
 * An application's records may have this many bytes together: 64 versions with 2 KiB each. More would make
 * visitors wait.
 */
export const APPLICATION_BYTES_MAX = 128 * 1024;

/** A snapshot that can take in changed records. */
export type EtcdSnapshot = ReadonlyMap<string, DaemonRecord>;

/** Parsed only when its value is asked for, because ten thousand at once would make visitors wait. */
class DaemonRecord implements StoreRecord {
  readonly revision: string;
  readonly bytes: number;
  /** Differs if the text differs. After a restore, a revision may come again with another text. */
  readonly hash: string;
  readonly position?: number;
  #text: string | undefined;
  #value: unknown;

  constructor({ text, modRevision }: KeyValue) {
    this.revision = modRevision;
    this.bytes = text.length;
    this.hash = String(Bun.hash(text));
    const position = Number(modRevision);
    if (Number.isSafeInteger(position)) this.position = position;
    this.#text = text;
  }

  get value(): unknown {
    if (this.#text !== undefined) {
      this.#value = withoutRest(recordOf({ text: this.#text, modRevision: this.revision }).value);
      this.#text = undefined;
    }
    return this.#value;
  }
}

/** A daemon does not need the log and the arcs of a release that is over. */
function withoutRest(value: unknown): unknown {
  const fields = asObject(value);
  if (fields === undefined || !Object.hasOwn(fields, RELEASE)) return value;
  return { ...fields, [RELEASE]: restOfRelease(fields[RELEASE]).release };
}

/**
 * An application's snapshot from its keys, or the reason why it is not used.
 *
 * @param before the snapshot to which the keys are added; by default an empty one
 */
export function snapshotFor(
  prefix: string,
  application: string,
  values: readonly KeyValue[],
  before: EtcdSnapshot = new Map(),
): EtcdSnapshot | StoreError {
  const records = new Map(before);
  for (const value of values) records.set(versionOf(prefix, application, value.key), new DaemonRecord(value));
  return tooMany(application, records.size) ?? tooLong(application, sum(records)) ?? records;
}

/** Whether two snapshots have the same records. */
export function areSame(one: EtcdSnapshot, other: EtcdSnapshot): boolean {
  if (one.size !== other.size) return false;
  for (const [version, { revision, hash }] of one) {
    const record = other.get(version);
    if (record?.revision !== revision || record.hash !== hash) return false;
  }
  return true;
}

/** The reason why an application with these keys is not used. */
export function refusalOf(application: string, values: readonly KeyValue[]): StoreError | undefined {
  const bytes = values.reduce((total, { text }) => total + text.length, 0);
  return tooMany(application, values.length) ?? tooLong(application, bytes);
}

function tooMany(application: string, count: number): StoreError | undefined {
  if (count <= RECORDS_MAX) return undefined;
  const remedy = "delete the keys of versions that no longer exist";
  return new EtcdError("malformed", `${application} has more than ${RECORDS_MAX} keys; ${remedy}`);
}

/** @param bytes by default more than any application may have */
export function tooLong(application: string, bytes?: undefined): StoreError;
export function tooLong(application: string, bytes: number): StoreError | undefined;
export function tooLong(application: string, bytes = Number.POSITIVE_INFINITY): StoreError | undefined {
  if (bytes <= APPLICATION_BYTES_MAX) return undefined;
  const remedy = "delete versions and fields that nothing needs";
  return new EtcdError(
    "malformed",
    `${application} has more than ${APPLICATION_BYTES_MAX} bytes of records; ${remedy}`,
  );
}

function sum(records: EtcdSnapshot): number {
  let bytes = 0;
  for (const record of records.values()) bytes += record.bytes;
  return bytes;
}

/** For every application without keys. */
export const EMPTY: Snapshot = new Map();
