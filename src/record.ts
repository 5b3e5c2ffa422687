/**
 * What operators may write about one version, and what becomes of it when they err.
 *
 * Law 3, "when in doubt, master", is kept here: checking is total, and a value that cannot be used comes back as a
 * problem for the log with a rollout of 0, never as an exception.
 */

/** What happens to a version's arc when the store is lost: back to master, or keep the last value. */
export type Failsafe = "master" | "hold";

/** A version's arc of the circle. All fractions of its circumference. */
export interface Arc {
  /** The version's name; `VERSION` says which are possible. */
  readonly version: string;
  /** The arc's length, in [0, 1]. */
  readonly rollout: number;
  /** Where it starts, in [0, 1). */
  readonly offset: number;
  readonly failsafe: Failsafe;
}

/** Names of versions travel in lines, headers, cookies and metric labels, so they are plain. */
export const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether records may have this name: a plain one, and not the place of everybody else. */
export function isVersion(name: unknown): name is string {
  return typeof name === "string" && VERSION.test(name) && name !== MASTER;
}

/** The version that tells of maintenance: its rollout is a switch, and it never serves a visitor. */
export const MAINTENANCE = "maintenance";

/** The version that goes before all others, and that `always` forces. */
export const CANARY = "canary";

/** The place of everyone outside every arc. Not a version: nobody can roll it out. */
export const MASTER = "master";

/** An application may have this many versions; the rest of a longer snapshot is ignored, and logged. */
export const VERSIONS_MAX = 64;

/** Stands for the name of a record that has none that could be used. */
const NAMELESS = "?";

export interface CheckedRecord {
  /** Of rollout 0 where there is a problem; of no version at all where the problem is its name (`isVersion`). */
  readonly arc: Arc;
  /** Why the record counts as rollout 0; undefined where it is sound. */
  readonly problem?: string;
}

/**
 * Checks one record as it lies in a store.
 *
 * @param version the record's name
 * @param value   `{ rollout, offset?, failsafe?, … }`, or a bare number for `{ rollout }`; anything at all is survived
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

/** `canary` before all others, the others by name: of two arcs that overlap, the first one counts. */
export function byPrecedence(a: Arc, b: Arc): number {
  return rank(a.version) - rank(b.version) || (a.version < b.version ? -1 : Number(a.version > b.version));
}

function rank(version: string): number {
  return version === CANARY ? 0 : 1;
}

/** A store of one's own may hand over an object that throws when it is looked at; it counts as an empty one. */
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
