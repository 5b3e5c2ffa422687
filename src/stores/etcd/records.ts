/** Answers of etcd ⇄ records. Pure. */

import { createHash } from "node:crypto";
import { jsonOrText, shallowJsonOrText } from "../shared/json-text.ts";
import type { Snapshot, StoreRecord } from "../store.ts";
import { fromBase64, versionOf } from "./keys.ts";

/** A longer text is not a record, and parsing it would make visitors wait. */
export const RECORD_LENGTH_MAX = 64 * 1024;

/** An object that came as JSON, unchecked. */
export type Json = Readonly<Record<string, unknown>>;

/** One key as etcd knows it. */
export interface KeyValue {
  /** In base64. */
  readonly key: string;
  /** The text of the value; empty if only keys were requested. */
  readonly text: string;
  /** The revision of the whole store at which it was written, as a text of digits. */
  readonly modRevision: string;
  /** The same for the time at which it did not exist before. */
  readonly createRevision: string;
}

/** The content of a range. */
export interface Range {
  /** The revision of the whole store at which it was read. */
  readonly revision: string;
  /** The cluster and its term. If both are the same as before, revisions can be compared. */
  readonly era: string;
  readonly values: readonly KeyValue[];
  /** The number of keys in the range, whether they were requested or not. */
  readonly count: number;
  /** Whether the range has more keys than were requested. */
  readonly isCut: boolean;
}

const REVISION = /^[1-9]\d{0,18}$/;

/**
 * The answer to a range request; undefined if it is not one. It must have a revision, so `{}` is not an empty
 * snapshot.
 */
export function rangeOf(answer: Json): Range | undefined {
  const { header, kvs = [], more, count = 0 } = answer;
  const revision = asJson(header)?.["revision"];
  if (!isRevision(revision) || !Array.isArray(kvs)) return undefined;
  const values: KeyValue[] = [];
  for (const kv of kvs) {
    const value = keyValueOf(kv);
    if (value === undefined) return undefined;
    values.push(value);
  }
  const { cluster_id: cluster, raft_term: term } = asJson(header) ?? {};
  return { revision, era: [cluster, term].join(), values, count: Number(count), isCut: more === true };
}

/** The ranges in the answer to a transaction; undefined if it is not such an answer. */
export function rangesIn({ header, responses = [] }: Json): Range[] | undefined {
  if (!Array.isArray(responses)) return undefined;
  const ranges = responses.map((response) =>
    rangeOf({ ...asJson(asJson(response)?.["response_range"]), header }),
  );
  const read = ranges.filter((range) => range !== undefined);
  return read.length === ranges.length ? read : undefined;
}

export function snapshotOf(prefix: string, application: string, values: readonly KeyValue[]): Snapshot {
  return new Map(values.map((value) => [versionOf(prefix, application, value.key), recordOf(value)]));
}

/** A record's value: the JSON, or else the text, which the feed reports as malformed. */
export function recordOf({ text, modRevision }: Pick<KeyValue, "text" | "modRevision">): StoreRecord {
  const position = Number(modRevision);
  return {
    value: text.length > RECORD_LENGTH_MAX ? text : shallowJsonOrText(text),
    // A daemon needs no revisions, so they are computed only for writers.
    get revision() {
      return revisionOf({ text, modRevision });
    },
    ...(Number.isSafeInteger(position) ? { position } : {}),
  };
}

/**
 * The revision of a record: that of the store at its last write, and a digest of its text. After a restore of
 * a backup, the first comes again with another text, and a writer that read before must lose.
 */
export function revisionOf({ text, modRevision }: Pick<KeyValue, "text" | "modRevision">): string {
  const digest = createHash("sha256").update(text).digest("base64url").slice(0, DIGEST_LENGTH);
  return `${modRevision}-${digest}`;
}

const DIGEST_LENGTH = 12;

/** The value of a text of any length, for a command that writes it back. */
export function wholeValueOf({ text }: KeyValue): unknown {
  return jsonOrText(text);
}

export function isRevision(value: unknown): value is string {
  return typeof value === "string" && REVISION.test(value);
}

/** Undefined if it is not an object. */
export function asJson(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function keyValueOf(kv: unknown): KeyValue | undefined {
  const { key, value = "", mod_revision: modRevision, create_revision: createRevision } = asJson(kv) ?? {};
  if (typeof key !== "string" || typeof value !== "string" || !isRevision(modRevision)) return undefined;
  if (!isRevision(createRevision)) return undefined;
  return { key, text: fromBase64(value), modRevision, createRevision };
}
