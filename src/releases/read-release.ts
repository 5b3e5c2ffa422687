/**
 * Reads the release of a record. Total: any value of any store has a result, and no value throws.
 *
 * A release that cannot be read is a problem. The record's rollout counts as before, but a controller changes
 * nothing. A person can still take the visitors back.
 */

import { PLAN_BYTES_MAX } from "./plan.ts";
import { ARCS_MAX, FORMAT, isKey, LIST_MAX, LOG_MAX, RELEASE_BYTES_MAX, type Release } from "./release.ts";
import {
  COUNT,
  COUNTABLE,
  isCount,
  isObject,
  isState,
  isText,
  KEY,
  list,
  named,
  OFFSET,
  oneOf,
  ROLLOUT,
  SHORT_TEXT,
  type Shape,
  STATE,
  TEXT,
  TIME,
  TIME_MS,
  textUpTo,
  tuple,
} from "./shapes.ts";

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
const SHORT_PLAN = textUpTo(PLAN_BYTES_MAX);
/** Plan texts are not read here, because a newer program may know more terms. */
const PLAN: Shape = {
  isValid: (value) => value !== "" && SHORT_PLAN.isValid(value),
  schema: { ...SHORT_PLAN.schema, minLength: 1 },
};

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
  for (const [field, { isValid }] of Object.entries(NEEDED)) {
    if (!isValid(fields[field])) return problem("malformed", field);
  }
  for (const [field, { isValid }] of Object.entries(POSSIBLE)) {
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

/** The fields that each release has. */
export const NEEDED: Readonly<Record<string, Shape>> = {
  format: oneOf(FORMAT),
  key: KEY,
  id: COUNTABLE,
  of: TEXT,
  plan: PLAN,
  state: STATE,
  step: COUNT,
  since: TIME,
  inconclusive: oneOf("pause", "abort"),
  wrote: tuple(ROLLOUT, OFFSET),
  seq: COUNTABLE,
  tx: KEY,
};

/** The fields that are there only if they apply. */
export const POSSIBLE: Readonly<Record<string, Shape>> = {
  failsafe: oneOf("hold"),
  windows: list(TEXT, LIST_MAX),
  slow: list(TEXT, LIST_MAX),
  weights: named(ROLLOUT, LIST_MAX),
  arcs: list(tuple(TIME_MS, ROLLOUT, OFFSET), ARCS_MAX),
  log: list(tuple(COUNT, TIME_MS, STATE, COUNT, ROLLOUT, SHORT_TEXT), LOG_MAX),
  from: oneOf("promoted"),
  approved: COUNT,
  reason: SHORT_TEXT,
  cleared: list(tuple(TEXT, SHORT_TEXT, SHORT_TEXT), LIST_MAX),
  fade: tuple(ROLLOUT, TIME_MS, TIME_MS),
  fadeMs: TIME_MS,
  was: oneOf("master", "hold"),
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
