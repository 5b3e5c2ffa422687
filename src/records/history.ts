/**
 * The past of records: earlier states, newest first, with the author, the time and the reason of each. Some
 * engines remember it. For the others, each write keeps a list of bounded length in the record itself.
 */

import type { PastRecord, Snapshot, Store } from "../stores/store.ts";
import { fieldsOf } from "./fields.ts";
import { shownRecord } from "./shown.ts";

/** The field of a record for its earlier states, newest first. */
export const HISTORY = "history";

/** At most this many changes are asked of an engine, and shown. */
export const HISTORY_LIMIT_MAX = 1_000;

/** A record remembers this many states before it. */
const PAST_MAX = 20;

/** The fields of a state that are remembered. */
const REMEMBERED = ["rollout", "offset", "failsafe", "updatedBy", "updatedAt", "why"] as const;

/** One change, as it is shown; `rollout` is null if the record was removed. */
export interface ShownChange {
  readonly application: string;
  readonly version: string;
  readonly rollout: number | null;
  readonly offset?: number;
  readonly failsafe?: string;
  /** The author that the record names; if it names none, the login. */
  readonly updatedBy?: string;
  /** The login of the engine, if it remembers that. */
  readonly login?: string;
  /** By the engine's clock; if it remembers no time, the time that the record names. */
  readonly updatedAt?: string;
  /** The time that the record names, if the engine remembers one of its own. It is not verified. */
  readonly claimedAt?: string;
  readonly why?: string;
  readonly problem?: string;
}

/**
 * The last changes of an application, newest first: as the engine remembers them, or else as the records do.
 * Rejects with the store's own error.
 *
 * @param version of this version alone; of all if it is undefined
 * @param limit   at most this many, up to `HISTORY_LIMIT_MAX`
 */
export async function readHistory(
  store: Store,
  application: string,
  version: string | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<ShownChange[]> {
  const past =
    store.history === undefined
      ? pastOfSnapshot(await store.read(application, signal), HISTORY_LIMIT_MAX)
      : await store.history(application, HISTORY_LIMIT_MAX, signal);
  return past
    .filter((record) => version === undefined || record.version === version)
    .slice(0, limit)
    .map((record) => shownChange(application, record));
}

function shownChange(application: string, { version, value, atMs, login }: PastRecord): ShownChange {
  const at = atMs === undefined ? {} : { updatedAt: new Date(atMs).toISOString() };
  const by = login === undefined ? {} : { updatedBy: login, login };
  if (value === undefined) return { application, version, rollout: null, ...by, ...at };
  const { rollout, offset, failsafe, updatedBy, updatedAt, problem } = shownRecord(application, version, {
    value,
    revision: "",
  });
  const { why } = fieldsOf(value);
  return {
    ...{ application, version, rollout, offset, failsafe },
    ...by,
    ...(updatedBy === undefined ? {} : { updatedBy }),
    ...at,
    ...(updatedAt === undefined ? {} : { [atMs === undefined ? "updatedAt" : "claimedAt"]: updatedAt }),
    ...(typeof why === "string" ? { why } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/**
 * The author that the record names, and the store's login if that is another name:
 * `ada@web1 (as login deploy)`. The author is not verified.
 */
export function authorText({ updatedBy = "?", login }: ShownChange): string {
  const isSame = login === undefined || updatedBy === login || updatedBy.startsWith(`${login}@`);
  return isSame ? updatedBy : `${updatedBy} (as login ${login})`;
}

/** The list for the next state of a record that holds these fields now. */
export function withPast(now: Readonly<Record<string, unknown>>): readonly unknown[] {
  const state = REMEMBERED.flatMap((name) => (now[name] === undefined ? [] : [[name, now[name]] as const]));
  return [Object.fromEntries(state), ...pastOf(now)].slice(0, PAST_MAX);
}

/**
 * All states of the records of a snapshot, newest first as far as they say when they were written. The states
 * of one record stay in the order in which they were written, also if the clocks of their writers differ.
 */
export function pastOfSnapshot(snapshot: Snapshot, limit: number): PastRecord[] {
  return [...snapshot]
    .flatMap(([version, { value }]) => {
      let newest = Number.POSITIVE_INFINITY;
      return [value, ...pastOf(fieldsOf(value))].map((state) => {
        newest = Math.min(newest, timeOf(state));
        return { version, value: state, sortMs: newest };
      });
    })
    .sort((a, b) => b.sortMs - a.sortMs)
    .slice(0, limit)
    .map(({ version, value }) => ({ version, value }));
}

function pastOf(fields: Readonly<Record<string, unknown>>): readonly unknown[] {
  const past = fields[HISTORY];
  return Array.isArray(past) ? past : [];
}

/** When a state was written, in milliseconds since 1970; 0 if it does not say. */
function timeOf(value: unknown): number {
  return Date.parse(String(fieldsOf(value)["updatedAt"])) || 0;
}
