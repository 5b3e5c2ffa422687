/**
 * A document of all records, in a file or at a web address: its text ⇄ its records. Pure.
 *
 * People choose the names of applications and versions, and may choose `__proto__`. So objects are only read
 * by own properties, and only built by `Object.fromEntries`, which does not call setters.
 */

import { createHash } from "node:crypto";
import { SCHEMA_NAME } from "../../text/json-schema.ts";
import {
  type RecordFields,
  type Snapshot,
  StoreError,
  type StoreErrorCode,
  type StoreRecord,
} from "../store.ts";
import { RECORD_DEPTH_MAX } from "./document-parts.ts";
import { findJsonFault } from "./json-fault.ts";

/** Room for ten thousand applications with a version or two each, their authors and their reasons. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** The parsed document: applications by name, in the text's order, unchecked. */
export type Document = Readonly<Record<string, unknown>>;

const SHAPE = '{ "website": { "canary": 0.25 } }';

/**
 * @param path for messages
 * @throws {StoreError} malformed
 */
export function parseDocument(path: string, text: string): Document {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const fault = findJsonFault(text);
    const where = fault === undefined ? path : `${path}:${lineAndColumn(text, fault.offset)}`;
    throw notJson(where, fault === undefined ? String(error) : `expected ${fault.expected}`);
  }
  if (!isObject(parsed)) throw noObject(path);
  return parsed;
}

/** The names of all applications. The place of the schema is not one of them. */
export function applicationsOf(document: Document): readonly string[] {
  return Object.keys(document).filter((name) => name !== SCHEMA_NAME || typeof document[name] !== "string");
}

/** @param where the file, with line and column if they are known */
export function notJson(where: string, what: string): StoreError {
  const remedy = "correct it there, or finish writing it";
  return new StoreError("malformed", `${where}: not JSON: ${what}; ${remedy}`);
}

export function noObject(path: string): StoreError {
  return new StoreError("malformed", `${path}: the file must be one object; write it as ${SHAPE}`);
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** @throws {StoreError} malformed: its value is not an object */
export function snapshotOf(path: string, application: string, value: unknown): Snapshot {
  const records = asRecords(path, application, value);
  return new Map(Object.entries(records).map(([version, each]) => [version, new FileRecord(each)]));
}

/** One record, undefined if there is none. Throws with `code` if no daemon could read it. */
export function findRecord(
  path: string,
  document: Document,
  application: string,
  version: string,
  code: StoreErrorCode = "malformed",
): StoreRecord | undefined {
  const records = recordsOf(path, document, application);
  return Object.hasOwn(records, version) ? recordOf(path, records[version], code) : undefined;
}

/** The document with fields of one record set; everything else stays, in its order. */
export function withRecord(
  path: string,
  document: Document,
  application: string,
  version: string,
  fields: RecordFields,
): Document {
  const records = recordsOf(path, document, application);
  const before = Object.hasOwn(records, version) ? records[version] : undefined;
  return withProperty(document, application, withProperty(records, version, withFields(before, fields)));
}

/** The document without one record, and without its application if that was the last one. */
export function withoutRecord(
  path: string,
  document: Document,
  application: string,
  version: string,
): Document {
  const records = withoutProperty(recordsOf(path, document, application), version);
  return Object.keys(records).length === 0
    ? withoutProperty(document, application)
    : withProperty(document, application, records);
}

/**
 * The text of a document, indented for people. A list of texts and numbers is on one line, because a release
 * has hundreds of short lists.
 */
export function formatDocument(document: Document): string {
  return `${indented(document, "")}\n`;
}

/** Values that are nested more deeply are not indented. No record of this program is. */
const INDENT_MAX = "  ".repeat(64);

function indented(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null || indent === INDENT_MAX) return jsonOf(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object" || item === null)) {
      return `[${value.map(jsonOf).join(", ")}]`;
    }
    return `[\n${value.map((item) => inner + indented(item, inner)).join(",\n")}\n${indent}]`;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  if (fields.length === 0) return "{}";
  const lines = fields.map(([name, field]) => `${inner}${JSON.stringify(name)}: ${indented(field, inner)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}

/** JSON has no undefined: in a list it is null. */
function jsonOf(value: unknown): string {
  return value === undefined ? "null" : JSON.stringify(value);
}

function recordsOf(path: string, document: Document, application: string): Document {
  return asRecords(path, application, Object.hasOwn(document, application) ? document[application] : {});
}

function asRecords(path: string, application: string, records: unknown): Document {
  if (isObject(records)) return records;
  const name = JSON.stringify(application);
  throw new StoreError("malformed", `${path}: ${name} must be an object of versions; write it as ${SHAPE}`);
}

/**
 * A record's value with these fields set. A bare number stays one as long as the rollout is the only field.
 */
export function withFields(before: unknown, fields: RecordFields): unknown {
  const known = isObject(before) ? before : {};
  const after = Object.entries({ ...known, ...fields }).filter(([, value]) => value !== undefined);
  const isBare = !isObject(before) && after.every(([name]) => name === "rollout");
  return isBare ? fields.rollout : Object.fromEntries(after);
}

function withProperty(object: Document, name: string, value: unknown): Document {
  if (!Object.hasOwn(object, name)) return Object.fromEntries([...Object.entries(object), [name, value]]);
  return Object.fromEntries(Object.entries(object).map(([key, old]) => [key, key === name ? value : old]));
}

function withoutProperty(object: Document, name: string): Document {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

function recordOf(path: string, value: unknown, code: StoreErrorCode): StoreRecord {
  if (canonicalJson(value, 0) !== undefined) return new FileRecord(value);
  const remedy = `nest at most ${RECORD_DEPTH_MAX} levels`;
  throw new StoreError(code, `${path}: a record is nested too deeply; ${remedy}`);
}

/** A daemon needs no revisions, so they are computed only for writers. */
class FileRecord implements StoreRecord {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  get revision(): string {
    const canonical = canonicalJson(this.value, 0) ?? "";
    return createHash("sha256").update(canonical).digest("base64url").slice(0, 22);
  }
}

/**
 * The same text for equal values, in any order of their keys; undefined if the value is nested too deeply.
 */
function canonicalJson(value: unknown, depth: number): string | undefined {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (depth === RECORD_DEPTH_MAX) return undefined;
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const part = canonicalJson((value as Document)[key], depth + 1);
    if (part === undefined) return undefined;
    parts.push(Array.isArray(value) ? part : `${JSON.stringify(key)}:${part}`);
  }
  return Array.isArray(value) ? `[${parts.join(",")}]` : `{${parts.join(",")}}`;
}

function isObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
