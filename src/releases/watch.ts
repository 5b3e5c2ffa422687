/**
 * How long this daemon has watched a release in its present state. Pure: a daemon calls `watched` after each
 * read of the record, and keeps the result.
 *
 * The clock of the store says when a state began. It may jump, for instance if another server takes over. So
 * a daemon measures with its monotonic clock too, and compares the two.
 */

import type { Release } from "./release.ts";

/** The store's clock may run ahead of the monotonic one by this. More is a jump. */
export const AHEAD_MS_MAX = 5_000;

/** With a store's clock that can be trusted, a daemon watches this long itself, or the wait if it is less. */
export const WATCH_MS_MAX = 60_000;

/** One successful read of the record. */
export interface Look {
  /** Monotonic, in milliseconds, when the answer came. */
  readonly monotonicMs: number;
  /** The store's clock at that time, milliseconds since 1970; undefined if the store has none. */
  readonly storeMs: number | undefined;
}

export interface Watch {
  /** The state that is watched. After a fall back of the store, another state may have the same `seq`. */
  readonly key: string;
  readonly seq: number;
  readonly tx: string;
  readonly first: Look;
  readonly last: Look;
  /** For how long this daemon has watched without a gap, in milliseconds. */
  readonly watchedMs: number;
  /** Whether only the daemon's own watch counts, over the whole wait. */
  readonly isWhole: boolean;
}

/** Whether a release is in the state that a watch is about. */
export function isOf(watch: Pick<Watch, "key" | "seq" | "tx">, { key, seq, tx }: StateOf): boolean {
  return watch.key === key && watch.seq === seq && watch.tx === tx;
}

type StateOf = Pick<Release, "key" | "seq" | "tx">;

/**
 * The watch after a look. A release in another state begins a new one. After a gap of more than
 * `unhealthyMs` between two looks, the watch counts from 0 again, over the whole wait.
 */
export function watched(before: Watch | undefined, state: StateOf, look: Look, unhealthyMs: number): Watch {
  if (before === undefined || !isOf(before, state)) {
    const { key, seq, tx } = state;
    return { key, seq, tx, first: look, last: look, watchedMs: 0, isWhole: look.storeMs === undefined };
  }
  const passedMs = look.monotonicMs - before.last.monotonicMs;
  if (!(passedMs >= 0 && passedMs <= unhealthyMs)) {
    return { ...before, last: look, watchedMs: 0, isWhole: true };
  }
  const isWhole = before.isWhole || isAhead(before.first, look);
  return { ...before, last: look, watchedMs: before.watchedMs + passedMs, isWhole };
}

/** The progress of a wait. */
export interface TimePassed {
  readonly isOver: boolean;
  /** The time that counts: by the store's clock, or the daemon's own watch if it is `isWhole`. */
  readonly passedMs: number;
  /** For how long the daemon has watched, and for how long it must. */
  readonly watchedMs: number;
  readonly watchMs: number;
  readonly isWhole: boolean;
}

/**
 * A daemon that has watched the whole wait knows that it is over, also if the store's clock went back.
 *
 * @param sinceMs the beginning of the state by the store's clock
 */
export function timePassed(watch: Watch, sinceMs: number, waitMs: number): TimePassed {
  const { watchedMs, last, isWhole } = watch;
  const byStoreMs = last.storeMs === undefined ? 0 : Math.max(0, last.storeMs - sinceMs);
  const passedMs = isWhole ? watchedMs : Math.max(watchedMs, byStoreMs);
  const watchMs = isWhole ? waitMs : Math.min(waitMs, WATCH_MS_MAX);
  return { isOver: passedMs >= waitMs && watchedMs >= watchMs, passedMs, watchedMs, watchMs, isWhole };
}

function isAhead(first: Look, look: Look): boolean {
  if (first.storeMs === undefined || look.storeMs === undefined) return true;
  const ranMs = look.storeMs - first.storeMs - (look.monotonicMs - first.monotonicMs);
  return !(ranMs <= AHEAD_MS_MAX);
}
