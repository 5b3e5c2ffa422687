/**
 * What a record was before. Some engines remember it; for the others, `set` keeps a list of bounded length in the record
 * itself.
 */

import type { PastRecord, Snapshot } from "../stores/store.ts";
import { fieldsOf } from "./fields.ts";

/** The field of a record that holds what it was before, newest first. */
export const HISTORY = "history";

/** A record remembers this many states before it. */
const PAST_MAX = 20;

/** The fields of a state that are remembered. */
const REMEMBERED = ["rollout", "offset", "failsafe", "updatedBy", "updatedAt", "why"] as const;

/** The list for the next state of a record that holds these fields now. */
export function withPast(now: Readonly<Record<string, unknown>>): readonly unknown[] {
  const state = REMEMBERED.flatMap((name) => (now[name] === undefined ? [] : [[name, now[name]] as const]));
  return [Object.fromEntries(state), ...pastOf(now)].slice(0, PAST_MAX);
}

/**
 * All states of the records of a snapshot, newest first as far as they say when they were written. The states of one record
 * stay in the order in which they were written, also if the clocks of their writers differ.
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
