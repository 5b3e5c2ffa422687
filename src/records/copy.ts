/**
 * Copies records from one store to another, and reads them again to check that they arrived.
 *
 * If the target has the same record already, it stays. If the target has a different one, it is left alone
 * and reported, unless the caller allows overwriting. Each record is written with compare-and-set, so an
 * interrupted copy can be repeated. A record keeps its author and its past, because a copy is not a change.
 *
 * A malformed record counts as 0 in every store. Some engines refuse such a record, or a field of a valid
 * one. These records are reported and left out, and the others are copied. Any other failure ends the copy,
 * because the daemon then cannot know whether the record was written.
 *
 * A release stays in its store, because two stores cannot lead one release. The copy of its record has only
 * its present rollout. A record of the target with a release under way is left alone, also with overwriting.
 */

import { isDeepStrictEqual } from "node:util";
import { RELEASE } from "../releases/release.ts";
import {
  type RecordFields,
  type Snapshot,
  type Store,
  StoreError,
  type StoreRecord,
  type Written,
} from "../stores/store.ts";
import { listApplications } from "./applications.ts";
import { releaseUnderWay } from "./beside-release.ts";
import { checkRecord } from "./check.ts";
import { fieldsOf } from "./fields.ts";

/** The result of a copy of all applications. Records are named `application/version`. */
export interface CopyReport {
  /** The addresses of both stores. */
  readonly from: string;
  readonly to: string;
  readonly applications: number;
  readonly written: number;
  /** The target has the same record already. */
  readonly same: number;
  /** The target has a different record, which was left alone. */
  readonly differing: readonly string[];
  /** Left alone, because the target's record has a release under way. */
  readonly releasing: readonly string[];
  /** The source's record has a release under way. It stays there, and the copy has the present rollout. */
  readonly released: readonly string[];
  /** Not copied, because the record is malformed, and no daemon can use it. */
  readonly malformed: readonly string[];
  /** Not copied, because the target cannot store them. */
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
  /** The target is read-only. */
  | { readonly kind: "read-only" }
  /** Another writer changed a record right after it was copied. The copy ended there. */
  | { readonly kind: "disturbed"; readonly application: string; readonly version: string };

type Write = NonNullable<Store["write"]>;

/**
 * Copies the records of the named applications, or of all applications of the source. Rejects with a
 * `StoreError` if a store fails.
 *
 * @param isOverwriting whether a different record of the target is replaced
 */
export async function copyRecords(
  from: Store,
  into: Store,
  named: readonly string[] | undefined,
  isOverwriting: boolean,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const applications = named ?? (await listApplications(from, signal));
  if (applications === undefined) return { kind: "unlisted" };
  const write = into.write?.bind(into);
  if (write === undefined) return { kind: "read-only" };
  let written = 0;
  let same = 0;
  const differing: string[] = [];
  const releasing: string[] = [];
  const released: string[] = [];
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
      else if (end === "releasing") releasing.push(name);
      else copied.set(version, record);
      if (copied.has(version) && releaseUnderWay(version, record.value) !== undefined) released.push(name);
      if (end === "written") written++;
      if (end === "same") same++;
    }
    const version = firstMissing(copied, await into.read(application, signal));
    if (version !== undefined) return { kind: "disturbed", application, version };
  }
  const counts = { applications: applications.length, written, same };
  const addresses = { from: from.address, to: into.address };
  const lists = { differing, releasing, released, malformed, refused };
  return { kind: "copied", report: { ...addresses, ...counts, ...lists } };
}

/**
 * Writes one record. A `StoreError` as the result says why the target cannot store it; then nothing was
 * written.
 */
async function copyRecord(
  write: Write,
  application: string,
  version: string,
  { record, there }: { readonly record: StoreRecord; readonly there: StoreRecord | undefined },
  isOverwriting: boolean,
  signal: AbortSignal,
): Promise<"written" | "same" | "differs" | "releasing" | StoreError> {
  if (there !== undefined && isSameRecord(record, there)) return "same";
  if (there !== undefined && releaseUnderWay(version, there.value) !== undefined) return "releasing";
  if (there !== undefined && !isOverwriting) return "differs";
  const fields = fieldsToWrite(record, there);
  const end = await unlessRefused(write(application, version, fields, there?.revision ?? null, signal));
  if (end instanceof StoreError) return end;
  return end.ok ? "written" : "differs";
}

/** The first version whose record in the target is not the one that was copied. */
function firstMissing(copied: Snapshot, after: Snapshot): string | undefined {
  for (const [version, record] of copied) {
    const there = after.get(version);
    if (there === undefined || !isSameRecord(record, there)) return version;
  }
  return undefined;
}

/**
 * The fields to write: all fields of a record but its release, and undefined for each field that only the
 * other one has. The other one keeps its own release, which is over. A bare number is a rollout.
 */
function fieldsToWrite(record: StoreRecord, there: StoreRecord | undefined): RecordFields {
  const fields = copiedFields(record);
  const removed = Object.keys(copiedFields(there)).map((name) => [name, undefined]);
  // The rollout is there, because malformed records are not copied.
  return { ...Object.fromEntries(removed), ...fields } as RecordFields;
}

/**
 * The result of a write, or the error that says why the store cannot store the record. Then nothing was
 * written.
 */
async function unlessRefused(write: Promise<Written>): Promise<Written | StoreError> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof StoreError && error.code === "refused") return error;
    throw error;
  }
}

function isSameRecord(a: StoreRecord, b: StoreRecord): boolean {
  return isDeepStrictEqual(copiedFields(a), copiedFields(b));
}

/** All fields but the release. */
function copiedFields(record: StoreRecord | undefined): Readonly<Record<string, unknown>> {
  const { [RELEASE]: _, ...fields } = fieldsOf(record?.value);
  return fields;
}
