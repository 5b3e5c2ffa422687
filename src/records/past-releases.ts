/**
 * The transitions of releases in a history. Pure.
 *
 * Each transition is a write of the record too, so the history may have it already. A state that is a
 * transition says so, and only the others of the release's log become lines of their own.
 *
 * The mark of a transition is the key of the release with its `seq`. The oldest state with a mark is the
 * transition, because a later one is a write beside the release.
 */

import { type LoggedTransition, loggedTransitions } from "../releases/logged.ts";
import { readRelease } from "../releases/read-release.ts";
import { RELEASE, type Release, timeText } from "../releases/release.ts";
import type { PastRecord } from "../stores/store.ts";
import { fieldsOf } from "./fields.ts";
import { releaseIn } from "./release-in.ts";

/** The field of a remembered state for its mark. */
export const MARK = "transition";

export interface PastTransition {
  readonly release: Release;
  readonly logged: LoggedTransition;
}

export interface PastState extends PastRecord {
  /** Set if the state is a transition of a release. */
  readonly transition?: PastTransition;
}

/** The mark of a record's fields, such as `0123456789abcdef01234567:4`; undefined if it has no release. */
export function markOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  const kept = fields[MARK];
  if (typeof kept === "string") return kept;
  const found = readRelease(fields[RELEASE]);
  return found.kind === "release" ? markFor(found.release.key, found.release.seq) : undefined;
}

/** @param past newest first */
export function withTransitions(past: readonly PastRecord[]): readonly PastState[] {
  const known = transitionsIn(past);
  if (known.size === 0) return past;
  const byIndex = new Map<number, string>();
  for (const [mark, index] of oldestWith(past)) {
    const { rollout } = fieldsOf(past[index]?.value);
    if (known.get(mark)?.transition.logged.after === rollout) byIndex.set(index, mark);
  }
  const states = past.map((state, index): PastState => {
    const transition = known.get(byIndex.get(index) ?? "")?.transition;
    return transition === undefined ? state : { ...state, transition };
  });
  const found = new Set(byIndex.values());
  const others = [...known].flatMap(([mark, each]) => (found.has(mark) ? [] : [stateOf(each)]));
  return merged(states, others);
}

interface Known {
  readonly version: string;
  readonly transition: PastTransition;
}

/** By their marks. The state with which a transition came knows its reason, so that state counts. */
function transitionsIn(past: readonly PastRecord[]): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>();
  for (const { version, value } of past) {
    const found = releaseIn(value);
    if (found.kind !== "release") continue;
    const { release } = found;
    for (const logged of loggedTransitions(release)) {
      const mark = markFor(release.key, logged.seq);
      const isOwn = logged.seq === release.seq;
      if (isOwn || !known.has(mark)) known.set(mark, { version, transition: { release, logged } });
    }
  }
  return known;
}

function oldestWith(past: readonly PastRecord[]): ReadonlyMap<string, number> {
  const oldest = new Map<string, number>();
  past.forEach(({ value }, index) => {
    const mark = markOf(fieldsOf(value));
    if (mark !== undefined) oldest.set(mark, index);
  });
  return oldest;
}

/** A transition that the history does not have as a state. */
function stateOf({ version, transition }: Known): PastState {
  const { after, by, atMs, why } = transition.logged;
  const offset = transition.release.arcs.findLast(([sinceMs]) => sinceMs <= atMs)?.[2];
  return {
    ...{ version, transition },
    value: { rollout: after, offset, updatedBy: by, updatedAt: timeText(atMs), why },
  };
}

/** The states keep their order, whatever times they name; each of the others is put before an older state. */
function merged(states: readonly PastState[], others: readonly PastState[]): readonly PastState[] {
  const waiting = others.toSorted((a, b) => timeOf(b) - timeOf(a));
  const all: PastState[] = [];
  let newest = Number.POSITIVE_INFINITY;
  for (const state of states) {
    newest = Math.min(newest, timeOf(state) || newest);
    while (waiting[0] !== undefined && timeOf(waiting[0]) > newest) all.push(waiting.shift() as PastState);
    all.push(state);
  }
  return [...all, ...waiting];
}

/** In milliseconds since 1970; not a number if it is not known. */
function timeOf({ value, atMs }: PastRecord): number {
  return atMs ?? Date.parse(String(fieldsOf(value)["updatedAt"]));
}

function markFor(key: string, seq: number): string {
  return `${key}:${seq}`;
}
