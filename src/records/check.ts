/**
 * Checks a record: what operators may write about one version, and what becomes of a value that cannot be
 * used.
 *
 * Law 3, "when in doubt, master", is kept here. Checking is total: a value that cannot be used comes back as
 * a problem for the log and a rollout of 0, never as an exception.
 */

import { type Arc, isVersion } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";

/** An application may have this many versions; the rest of a longer snapshot is ignored, and logged. */
export const VERSIONS_MAX = 64;

/** Stands for the name of a record that has none that could be used. */
const NAMELESS = "?";

export interface CheckedRecord {
  /**
   * Its rollout is 0 if there is a problem. If the problem is the name, `isVersion` is false of its version.
   */
  readonly arc: Arc;
  /** Why the record counts as rollout 0; undefined if it is sound. */
  readonly problem?: string;
}

/**
 * Checks one record of a store.
 *
 * @param version the record's name
 * @param value   `{ rollout, offset?, failsafe?, … }`, or a bare number for `{ rollout }`; anything at all is
 *                survived
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

/** The arcs of a snapshot as the daemon takes them: what is malformed counts as rollout 0. */
export function arcsOf(snapshot: Snapshot): Arc[] {
  return [...snapshot].map(([version, { value }]) => checkRecord(version, value).arc);
}

/**
 * A store from outside this repository may give an object that throws when it is read. It counts as an empty
 * one.
 */
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

/** A hostile or huge value, shortened for a log line. */
function quote(value: unknown): string {
  const quotedLengthMax = 80;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // Circular, a bigint, or a toJSON that throws: its type says enough.
  }
  text ??= typeof value === "undefined" ? "missing" : String(typeof value);
  return text.length > quotedLengthMax ? `${text.slice(0, quotedLengthMax)}…` : text;
}
