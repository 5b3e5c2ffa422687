/**
 * Reads the release of a record. Total: any value of any store has a result, and no value throws.
 *
 * A release that cannot be read is a problem. The record's rollout counts as before, but a controller changes
 * nothing. A person can still take the visitors back.
 */

import {
  ARCS_MAX,
  COUNT_MAX,
  FORMAT,
  isKey,
  LIST_MAX,
  LOG_MAX,
  RELEASE_BYTES_MAX,
  type Release,
  STATES,
  type State,
  TEXT_LENGTH_MAX,
} from "./release.ts";

/** The result of a read. */
export type FoundRelease =
  | { readonly kind: "none" }
  | { readonly kind: "release"; readonly release: Release }
  | ReleaseProblem;

export interface ReleaseProblem {
  readonly kind: "problem";
  /** `unknown-…`: it may be valid for a newer daemon. */
  readonly code: "malformed" | "unknown-format" | "unknown-state";
  /** The name of the field at fault; `release` if it is the whole. */
  readonly field: string;
  /** Its key, if that can be read. */
  readonly key: string | undefined;
}

const NONE: FoundRelease = { kind: "none" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const PLAN_LENGTH_MAX = 512;
/** Milliseconds since 1970 of any calendar day are below this number. */
const TIME_MS_MAX = 8.64e15;

/** @param value the field `release` of a record; undefined or null if there is none */
export function readRelease(value: unknown): FoundRelease {
  if (value === undefined || value === null) return NONE;
  const fields = plainFields(value);
  if (fields === undefined) return { kind: "problem", code: "malformed", field: "release", key: undefined };
  const key = isKey(fields["key"]) ? fields["key"] : undefined;
  const problem = (code: ReleaseProblem["code"], field: string): ReleaseProblem => ({
    ...{ kind: "problem", code, field, key },
  });
  if (fields["format"] !== FORMAT) {
    return problem(isCount(fields["format"]) ? "unknown-format" : "malformed", "format");
  }
  const { state } = fields;
  if (isText(state) && !isState(state)) return problem("unknown-state", "state");
  for (const [field, isValid] of Object.entries(NEEDED)) {
    if (!isValid(fields[field])) return problem("malformed", field);
  }
  for (const [field, isValid] of Object.entries(POSSIBLE)) {
    if (fields[field] !== undefined && !isValid(fields[field])) return problem("malformed", field);
  }
  return { kind: "release", release: releaseOf(fields) };
}

/** A copy of the value as plain JSON; undefined if it is none, or too long. */
function plainFields(value: unknown): Record<string, unknown> | undefined {
  try {
    const text = JSON.stringify(value);
    if (Buffer.byteLength(text) > RELEASE_BYTES_MAX) return undefined;
    const plain: unknown = JSON.parse(text);
    return isObject(plain) ? plain : undefined;
  } catch {
    // A circular value, a bigint, or an object that throws when it is read.
    return undefined;
  }
}

type IsValid = (value: unknown) => boolean;

const NEEDED: Readonly<Record<string, IsValid>> = {
  format: (value) => value === FORMAT,
  key: isKey,
  id: isCountable,
  of: isText,
  plan: (value) => typeof value === "string" && value !== "" && value.length <= PLAN_LENGTH_MAX,
  state: isState,
  step: isCount,
  since: (value) => typeof value === "string" && TIME.test(value) && !Number.isNaN(Date.parse(value)),
  inconclusive: (value) => value === "pause" || value === "abort",
  wrote: isTuple(isRollout, isOffset),
  seq: isCountable,
  tx: isKey,
};

const POSSIBLE: Readonly<Record<string, IsValid>> = {
  failsafe: (value) => value === "hold",
  windows: isList(isText, LIST_MAX),
  slow: isList(isText, LIST_MAX),
  weights: (value) =>
    isObject(value) &&
    Object.keys(value).length <= LIST_MAX &&
    Object.entries(value).every(([name, weight]) => isText(name) && isRollout(weight)),
  arcs: isList(isTuple(isTime, isRollout, isOffset), ARCS_MAX),
  log: isList(isTuple(isCount, isTime, isState, isCount, isRollout, isShortText), LOG_MAX),
  from: (value) => value === "promoted",
  approved: isCount,
  reason: isShortText,
  cleared: isList(isTuple(isText, isShortText, isShortText), LIST_MAX),
  fade: isTuple(isRollout, isTime, isTime),
  was: (value) => value === "master" || value === "hold",
};

const KNOWN = new Set([...Object.keys(NEEDED), ...Object.keys(POSSIBLE)]);

/** All fields of `NEEDED` and `POSSIBLE` are valid here. */
function releaseOf(fields: Record<string, unknown>): Release {
  const entries = Object.entries(fields);
  // The caller has checked each field by its name, and TypeScript cannot see that through a table.
  const known = Object.fromEntries(entries.filter(([name]) => KNOWN.has(name))) as unknown as Release;
  const others = Object.fromEntries(entries.filter(([name]) => !KNOWN.has(name)));
  return { ...known, arcs: known.arcs ?? [], log: known.log ?? [], others };
}

function isState(value: unknown): value is State {
  return STATES.some((state) => state === value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** The next number is a safe integer too. */
function isCountable(value: unknown): value is number {
  return isCount(value) && value <= COUNT_MAX;
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LENGTH_MAX;
}

function isText(value: unknown): value is string {
  return isShortText(value) && value !== "";
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= TIME_MS_MAX;
}

function isRollout(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function isOffset(value: unknown): value is number {
  return isRollout(value) && value < 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTuple(...parts: readonly IsValid[]): IsValid {
  return (value) =>
    Array.isArray(value) &&
    value.length === parts.length &&
    parts.every((isValid, index) => isValid(value[index]));
}

function isList(isValid: IsValid, lengthMax: number): IsValid {
  return (value) => Array.isArray(value) && value.length <= lengthMax && value.every(isValid);
}
