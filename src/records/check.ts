/**
 * Checks a record, which is the setting of one version as operators write it.
 *
 * Law 3, "when in doubt, master", is enforced here. Checking is total: for a value that cannot be used, the
 * result is a rollout of 0 and a problem for the log. It never throws.
 */

import { type Arc, isVersion } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";

/**
 * An application may have this many versions. Further versions of a snapshot are ignored, and the log says
 * so.
 */
export const VERSIONS_MAX = 64;

/** Replaces the name of a record if the name is not valid. */
const NAMELESS = "?";

export interface CheckedRecord {
  /**
   * The rollout is 0 if there is a problem. If the problem is the name, `isVersion` is false for
   * `arc.version`.
   */
  readonly arc: Arc;
  /** The reason why the record counts as rollout 0; undefined if it is valid. */
  readonly problem?: string;
}

/**
 * Checks one record of a store.
 *
 * @param version the record's name
 * @param value   `{ rollout, offset?, failsafe?, … }`, or a bare number for `{ rollout }`; any other value is
 *                a problem, never an exception
 */
export function checkRecord(version: string, value: unknown): CheckedRecord {
  if (!isVersion(version)) return zero(NAMELESS, `${quote(version)} cannot be the name of a version`);
  const fields = typeof value === "number" ? { rollout: value } : value;
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    return zero(version, `the record is ${quote(value)}; write a number or { "rollout": number }`);
  }
  const { rollout, offset = 0, failsafe = "master" } = readFields(fields);
  if (typeof rollout !== "number" || !(rollout >= 0 && rollout <= 1)) {
    return zero(version, `its rollout is ${quote(rollout)}; write a number from 0 to 1`);
  }
  if (typeof offset !== "number" || !(offset >= 0 && offset < 1)) {
    return zero(version, `its offset is ${quote(offset)}; write a number from 0 to less than 1`);
  }
  if (failsafe !== "master" && failsafe !== "hold") {
    return zero(version, `its failsafe is ${quote(failsafe)}; write "master" or "hold"`);
  }
  return { arc: { version, rollout, offset, failsafe } };
}

/** The arcs of a snapshot as the daemon uses them. A malformed record has rollout 0. */
export function arcsOf(snapshot: Snapshot): Arc[] {
  return [...snapshot].map(([version, { value }]) => checkRecord(version, value).arc);
}

/** A custom store may return an object that throws when a field is read. It counts as an empty object. */
function readFields(fields: object): Record<string, unknown> {
  try {
    return { ...fields };
  } catch {
    return {};
  }
}

function zero(version: string, problem: string): CheckedRecord {
  return { arc: { version, rollout: 0, offset: 0, failsafe: "master" }, problem };
}

/** Any value as JSON, shortened for a line of the log. */
function quote(value: unknown): string {
  const quotedLengthMax = 80;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // A circular value, a bigint, or a `toJSON` that throws. The message has its type.
  }
  text ??= typeof value === "undefined" ? "missing" : String(typeof value);
  return text.length > quotedLengthMax ? `${text.slice(0, quotedLengthMax)}…` : text;
}
