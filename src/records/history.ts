/**
 * The history of records: earlier states, newest first, each with its author, time and reason. Some engines
 * keep a history themselves. For the others, each write keeps a list of limited length in the record itself.
 */

import type { State } from "../releases/release.ts";
import { transitionSentence } from "../releases/sentence.ts";
import type { PastRecord, Snapshot, Store } from "../stores/store.ts";
import { fieldsOf } from "./fields.ts";
import { MARK, markOf, type PastState, type PastTransition, withTransitions } from "./past-releases.ts";
import { shownRecord } from "./shown.ts";

/** The field of a record for its earlier states, newest first. */
export const HISTORY = "history";

/** At most this many changes are requested from an engine, and shown. */
export const HISTORY_LIMIT_MAX = 1_000;

/** A record keeps this many of its earlier states. */
const PAST_MAX = 20;

/** The fields of an earlier state that are kept. Only the record of the freeze has `frozen`. */
const REMEMBERED = ["rollout", "offset", "failsafe", "updatedBy", "updatedAt", "why", "frozen"] as const;

/** One change, for people and as JSON. `rollout` is null if the record was removed. */
export interface ShownChange {
  readonly application: string;
  readonly version: string;
  readonly rollout: number | null;
  readonly offset?: number;
  readonly failsafe?: string;
  /** The author that the record names, or else the login. */
  readonly updatedBy?: string;
  /** The login of the writer, if the engine keeps it. */
  readonly login?: string;
  /** The time by the engine's clock, or else the time that the record names. */
  readonly updatedAt?: string;
  /**
   * The time that the record names, if the engine has a time of its own. The record's time is not verified.
   */
  readonly claimedAt?: string;
  readonly why?: string;
  readonly problem?: string;
  /** Set if the change is a transition of a release. */
  readonly release?: ShownTransition;
}

/** A transition of a release, for people and as JSON. */
export interface ShownTransition {
  readonly id: number;
  readonly key: string;
  readonly seq: number;
  readonly of: string;
  readonly state: State;
  readonly step: number;
  /** `release 7 of website: step 2/5, canary 1% → 5% for 30m+ok`. */
  readonly sentence: string;
}

/**
 * The last changes of an application, newest first: from the engine's history, or else from the records.
 * Rejects with the store's own error.
 *
 * @param version only changes of this version; undefined for all versions
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
  return withTransitions(past)
    .filter((record) => version === undefined || record.version === version)
    .slice(0, limit)
    .map((record) => shownChange(application, record));
}

function shownChange(
  application: string,
  { version, value, atMs, login, transition }: PastState,
): ShownChange {
  const at = atMs === undefined ? {} : { updatedAt: new Date(atMs).toISOString() };
  const by = login === undefined ? {} : { updatedBy: login, login };
  if (value === undefined) return { application, version, rollout: null, ...by, ...at };
  const { rollout, offset, failsafe, updatedBy, updatedAt, problem } = shownRecord(application, version, {
    value,
    revision: "",
  });
  const { why = transition?.logged.why } = fieldsOf(value);
  return {
    ...{ application, version, rollout, offset, failsafe },
    ...by,
    ...(updatedBy === undefined ? {} : { updatedBy }),
    ...at,
    ...(updatedAt === undefined ? {} : { [atMs === undefined ? "updatedAt" : "claimedAt"]: updatedAt }),
    ...(typeof why === "string" ? { why } : {}),
    ...(problem === undefined ? {} : { problem }),
    ...(transition === undefined ? {} : { release: shownTransition(application, version, transition) }),
  };
}

function shownTransition(
  application: string,
  version: string,
  { release: { id, key, of }, logged }: PastTransition,
): ShownTransition {
  const { state, step } = logged.release;
  const sentence = transitionSentence({ application, version, ...logged });
  return { id, key, seq: logged.seq, of, state, step, sentence };
}

/**
 * The author that the record names, and the store's login if that is another name:
 * `ada@web1 (as login deploy)`. The author is not verified.
 */
export function authorText({ updatedBy = "?", login }: Pick<ShownChange, "updatedBy" | "login">): string {
  const isSame = login === undefined || updatedBy === login || updatedBy.startsWith(`${login}@`);
  return isSame ? updatedBy : `${updatedBy} (as login ${login})`;
}

/** The value of `history` in the next write of a record that has these fields now. */
export function withPast(now: Readonly<Record<string, unknown>>): readonly unknown[] {
  const state = REMEMBERED.flatMap((name) => (now[name] === undefined ? [] : [[name, now[name]] as const]));
  const mark = markOf(now);
  return [Object.fromEntries(mark === undefined ? state : [...state, [MARK, mark]]), ...pastOf(now)].slice(
    0,
    PAST_MAX,
  );
}

/**
 * All states of the records of a snapshot, newest first by the times that they name. The states of one record
 * stay in the order in which they were written, even if the clocks of their writers differ.
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

/** When a state was written, in milliseconds since 1970; 0 if it names no time. */
function timeOf(value: unknown): number {
  return Date.parse(String(fieldsOf(value)["updatedAt"])) || 0;
}
