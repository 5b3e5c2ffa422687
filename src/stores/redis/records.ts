/**
 * The fields of an application's hash ⇄ its records. Pure.
 *
 *     canary           0.25             the rollout of canary
 *     canary:offset    0.5              any other field of its record
 *     canary:revision  7                the number of writes by this program
 *     canary:release   {"key":…}        the release of canary
 *
 * A release that is over is in two fields. `canary:release:rest` has its log and its arcs, which only people
 * read. So a daemon of ten thousand applications does not read them all each time.
 *
 * A text that is JSON has the value of that JSON. Any other text is a string, because people write `hold`,
 * and not `"hold"`.
 */

import { createHash } from "node:crypto";
import { RELEASE } from "../../releases/release.ts";
import { jsonOrText, shallowJsonOrText } from "../shared/json-text.ts";
import { asObject, restOfRelease } from "../shared/release-rest.ts";
import type { RecordFields, Snapshot, StoreRecord } from "../store.ts";

/** The counter of writes by this program. It is not part of a record's value. */
export const REVISION = "revision";

/** The log and the arcs of a release that is over. It is not a field of a record's value. */
export const REST = "release:rest";

/** The field name `VERSION:rollout` would be a second spelling of the rollout. */
const ROLLOUT = "rollout";

/** The fields of a record in the hash: names and texts as Redis has them. */
export type RawRecord = ReadonlyMap<string, string>;

/** The records in the script's reply: name, value, name, value. Undefined if the reply is not such a list. */
export function rawRecords(flat: unknown): ReadonlyMap<string, RawRecord> | undefined {
  if (!Array.isArray(flat) || flat.length % 2 !== 0) return undefined;
  if (!flat.every((part): part is string => typeof part === "string")) return undefined;
  const records = new Map<string, Map<string, string>>();
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] ?? "";
    const [version = ""] = name.split(":", 1);
    const record = records.get(version) ?? new Map<string, string>();
    records.set(version, record.set(name, flat[at + 1] ?? ""));
  }
  return records;
}

export function snapshotOf(records: ReadonlyMap<string, RawRecord>): Snapshot {
  return new Map([...records].map(([version, raw]) => [version, recordOf(version, raw)]));
}

export function recordOf(version: string, raw: RawRecord): StoreRecord {
  const fields: [string, unknown][] = [];
  const doubled = `${version}:${ROLLOUT}`;
  for (const [name, text] of raw) {
    if (name === version && !raw.has(doubled)) fields.push([ROLLOUT, jsonOrText(text)]);
    // The intended one cannot be known. The feed logs both, and the record counts as 0.
    else if (name === doubled) fields.push([ROLLOUT, Object.fromEntries(both(raw, version, doubled))]);
    else if (name === `${version}:${RELEASE}`)
      fields.push([RELEASE, releaseOf(text, raw.get(`${version}:${REST}`))]);
    else if (name !== version && !OWN.some((own) => name === `${version}:${own}`)) {
      fields.push([name.slice(version.length + 1), jsonOrText(text)]);
    }
  }
  const position = Number(raw.get(`${version}:${REVISION}`) ?? Number.NaN);
  const value = Object.fromEntries(fields);
  return {
    value,
    // A daemon needs no revisions, so they are computed only for writers.
    get revision() {
      return revisionOf(raw);
    },
    ...(Number.isSafeInteger(position) ? { position } : {}),
  };
}

/** The names of fields of the hash that are not fields of a record's value. */
const OWN = [REVISION, REST];

function releaseOf(text: string, restText: string | undefined): unknown {
  const release = shallowJsonOrText(text);
  const rest = restText === undefined ? undefined : asObject(shallowJsonOrText(restText));
  return rest === undefined || asObject(release) === undefined ? release : { ...asObject(release), ...rest };
}

/** The changes of a write to the hash. */
export interface RawChange {
  readonly sets: readonly (readonly [name: string, text: string])[];
  readonly removes: readonly string[];
}

/**
 * @param nowUs the start of the counter of a new record. Otherwise a record that was removed and created
 *              again would look older than before, and daemons refuse older states
 */
export function changeOf(version: string, raw: RawRecord, fields: RecordFields, nowUs: number): RawChange {
  const count = Number(raw.get(`${version}:${REVISION}`) ?? 0);
  const counted = Number.isSafeInteger(count) && count >= 0 ? count + 1 : 1;
  const next = raw.size === 0 ? nowUs : counted;
  const sets: [string, string][] = [[`${version}:${REVISION}`, String(next)]];
  const removes = [`${version}:${ROLLOUT}`];
  for (const [name, value] of Object.entries(inTwo(fields))) {
    if (name === REVISION) continue;
    const rawName = name === ROLLOUT ? version : `${version}:${name}`;
    if (value === undefined) removes.push(rawName);
    else sets.push([rawName, toText(value)]);
  }
  return { sets, removes };
}

/** The fields with a release that is over in two of them. */
function inTwo(fields: RecordFields): Readonly<Record<string, unknown>> {
  if (!Object.hasOwn(fields, RELEASE)) return fields;
  const { release, rest } = restOfRelease(fields[RELEASE]);
  return { ...fields, [RELEASE]: release, [REST]: rest };
}

/** A hash of all stored bytes, so it changes whatever program edits the record. */
function revisionOf(raw: RawRecord): string {
  const sorted = JSON.stringify([...raw].sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(sorted).digest("base64url").slice(0, 22);
}

function both(raw: RawRecord, ...names: readonly string[]): [string, unknown][] {
  return names.flatMap((name) => {
    const text = raw.get(name);
    return text === undefined ? [] : [[name, jsonOrText(text)]];
  });
}

function toText(value: unknown): string {
  if (typeof value === "string" && jsonOrText(value) === value) return value;
  return JSON.stringify(value);
}
