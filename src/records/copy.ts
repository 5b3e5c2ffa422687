/**
 * Copies records from one store to another, and reads them again to see that they are there.
 *
 * A record that is there already and is the same stays. One that differs is left alone and reported, unless
 * it may be overwritten. Each record is written with compare-and-set, so an interrupted copy can be repeated.
 * It is written with its own author and past: a copy is not a change.
 *
 * A malformed record counts as 0 in every store, and some engines refuse it, or a field of a good one. Such
 * records are reported and left out, so that the others are copied. Any other failure ends the copy, because
 * it is not known then what was written.
 */

import { isDeepStrictEqual } from "node:util";
import {
  type RecordFields,
  type Snapshot,
  type Store,
  StoreError,
  type StoreRecord,
  type Written,
} from "../stores/store.ts";
import { checkRecord } from "./check.ts";
import { fieldsOf } from "./fields.ts";

/** A copy that went through all applications. Records are named `application/version`. */
export interface CopyReport {
  /** The addresses of both stores. */
  readonly from: string;
  readonly to: string;
  readonly applications: number;
  readonly written: number;
  /** There already, and the same. */
  readonly same: number;
  /** There already, and left alone. */
  readonly differing: readonly string[];
  /** Not copied, because no daemon can use them. */
  readonly malformed: readonly string[];
  /** Not copied, because the store that gets them cannot hold them. */
  readonly refused: readonly RefusedRecord[];
}

export interface RefusedRecord {
  /** `application/version`. */
  readonly record: string;
  readonly why: string;
}

export type CopyOutcome =
  | { readonly kind: "copied"; readonly report: CopyReport }
  /** No applications were named, and the source cannot list its own. */
  | { readonly kind: "unlisted" }
  /** The target takes no writes. */
  | { readonly kind: "read-only" }
  /** Another writer changed a record right after it was copied. The copy ended there. */
  | { readonly kind: "disturbed"; readonly application: string; readonly version: string };

type Write = NonNullable<Store["write"]>;

/**
 * Copies the records of the applications, or of all that the source can list. Rejects with a `StoreError` if
 * a store fails.
 *
 * @param isOverwriting whether a record that differs is replaced
 */
export async function copyRecords(
  from: Store,
  into: Store,
  named: readonly string[] | undefined,
  isOverwriting: boolean,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const applications = named ?? (await from.applications?.(signal));
  if (applications === undefined) return { kind: "unlisted" };
  const write = into.write?.bind(into);
  if (write === undefined) return { kind: "read-only" };
  let written = 0;
  let same = 0;
  const differing: string[] = [];
  const malformed: string[] = [];
  const refused: RefusedRecord[] = [];
  for (const application of applications) {
    const source = await from.read(application, signal);
    const before = await into.read(application, signal);
    const copied = new Map<string, StoreRecord>();
    for (const [version, record] of source) {
      const name = `${application}/${version}`;
      if (checkRecord(version, record.value).problem !== undefined) {
        malformed.push(name);
        continue;
      }
      const there = before.get(version);
      const end = await copyRecord(write, application, version, { record, there }, isOverwriting, signal);
      if (end instanceof StoreError) refused.push({ record: name, why: end.message });
      else if (end === "differs") differing.push(name);
      else copied.set(version, record);
      if (end === "written") written++;
      if (end === "same") same++;
    }
    const version = firstMissing(copied, await into.read(application, signal));
    if (version !== undefined) return { kind: "disturbed", application, version };
  }
  const counts = { applications: applications.length, written, same };
  const addresses = { from: from.address, to: into.address };
  return { kind: "copied", report: { ...addresses, ...counts, differing, malformed, refused } };
}

/** Writes one record; a `StoreError` says why the store cannot hold it, and then nothing was written. */
async function copyRecord(
  write: Write,
  application: string,
  version: string,
  { record, there }: { readonly record: StoreRecord; readonly there: StoreRecord | undefined },
  isOverwriting: boolean,
  signal: AbortSignal,
): Promise<"written" | "same" | "differs" | StoreError> {
  if (there !== undefined && isSameRecord(record, there)) return "same";
  if (there !== undefined && !isOverwriting) return "differs";
  const fields = fieldsToWrite(record, there);
  const end = await unlessRefused(write(application, version, fields, there?.revision ?? null, signal));
  if (end instanceof StoreError) return end;
  return end.ok ? "written" : "differs";
}

/** The first version that the store does not hold as it was copied. */
function firstMissing(copied: Snapshot, after: Snapshot): string | undefined {
  for (const [version, record] of copied) {
    const there = after.get(version);
    if (there === undefined || !isSameRecord(record, there)) return version;
  }
  return undefined;
}

/**
 * All fields of a record, and the removal of fields that only the other one has. A bare number is its
 * rollout.
 */
function fieldsToWrite(record: StoreRecord, there: StoreRecord | undefined): RecordFields {
  const fields = fieldsOf(record.value);
  const removed = Object.keys(fieldsOf(there?.value)).map((name) => [name, undefined]);
  // A malformed record is not copied, so it has a rollout.
  return { ...Object.fromEntries(removed), ...fields } as RecordFields;
}

/** The result of a write, or why the store cannot hold the record; then nothing was written. */
async function unlessRefused(write: Promise<Written>): Promise<Written | StoreError> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof StoreError && error.code === "refused") return error;
    throw error;
  }
}

function isSameRecord(a: StoreRecord, b: StoreRecord): boolean {
  return isDeepStrictEqual(fieldsOf(a.value), fieldsOf(b.value));
}
