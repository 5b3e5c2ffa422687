/** Work that always ends in time: a receiver or a store that hangs must not hold up other notices. */

import type { Timers } from "../timers.ts";

/**
 * The result of `work`. Rejects when `signal` or the time ends it, also if it does not heed the signal that
 * it got. A late result is dropped.
 */
export async function bounded<T>(
  timers: Timers,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const overdue = new AbortController();
  const ending = AbortSignal.any([signal, overdue.signal]);
  const ended = new Promise<never>((_, reject) => {
    ending.addEventListener("abort", () => reject(ending.reason), { once: true });
  });
  // If the work ends first, no caller waits for this one.
  ended.catch(() => {});
  const timer = timers.set(() => overdue.abort(new DOMException("out of time", "TimeoutError")), ms);
  try {
    signal.throwIfAborted();
    return await Promise.race([work(ending), ended]);
  } finally {
    timers.clear(timer);
  }
}
