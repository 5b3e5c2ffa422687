/** Ends waits by a signal, also for work that cannot be cancelled, such as a read from a disk that hangs. */

import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../store.ts";

/** Settles as `work` does, or rejects as soon as `signal` aborts. A later result of `work` is dropped. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  if (signal.aborted) throw abandoned(signal);
  let give: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    give = () => reject(abandoned(signal));
    signal.addEventListener("abort", give, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", give);
  }
}

/** Resolves when the time has passed or `signal` aborts, whichever is first. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => {});
}

/** The error for a caller whose signal aborted. */
export function abandoned(signal: AbortSignal): StoreError {
  return new StoreError("unavailable", "the store did not answer before its caller gave up", {
    cause: signal.reason,
  });
}
