/**
 * Reads of a store that always end in time. A read that neither answers nor heeds its signal is left behind,
 * still hanging. While too many reads hang, the store is not asked again.
 */

import { SYSTEM_TIMERS, type Timers } from "../timers.ts";

/** A read that takes longer than this has failed, whatever timeouts the store itself has. */
export const READ_TIMEOUT_MS = 5_000;

/** While this many reads hang, the store is not asked again. */
const HANGING_READS_MAX = 3;

export class BoundedReads {
  readonly #ending: AbortSignal;
  readonly #timers: Timers;
  #hanging = 0;

  /** @param ending aborted when the feed closes */
  constructor(ending: AbortSignal, timers: Timers = SYSTEM_TIMERS) {
    this.#ending = ending;
    this.#timers = timers;
  }

  /** Rejects if the time is up, the feed closes, or the store fails. A late answer is dropped. */
  async run<T>(read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#hanging >= HANGING_READS_MAX) {
      throw new Error(
        `${this.#hanging} reads of the store hang; the daemon asks again when one of them ends`,
      );
    }
    const limited = new AbortController();
    const release = this.#limit(limited);
    const { signal } = limited;
    const outOfTime = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    let isSettled = false;
    // A store may throw before it returns a promise.
    const reading = (async () => read(signal))().finally(() => {
      isSettled = true;
    });
    try {
      return await Promise.race([reading, outOfTime]);
    } catch (error) {
      if (!isSettled) this.#watch(reading);
      // A store that heeds its signal may reject first, with an error of its own.
      throw signal.aborted ? signal.reason : error;
    } finally {
      release();
    }
  }

  /** Aborts when the time is up, or the feed closes. Returns a function that ends this. */
  #limit(limited: AbortController): () => void {
    const ending = this.#ending;
    const end = () => limited.abort(ending.reason);
    const timer = this.#timers.set(
      () => limited.abort(new DOMException("the read took too long", "TimeoutError")),
      READ_TIMEOUT_MS,
    );
    if (ending.aborted) end();
    ending.addEventListener("abort", end, { once: true });
    return () => {
      this.#timers.clear(timer);
      ending.removeEventListener("abort", end);
    };
  }

  /** Counts a read as hanging until it settles. */
  #watch(reading: Promise<unknown>): void {
    this.#hanging++;
    const end = () => {
      this.#hanging--;
    };
    reading.then(end, end);
  }
}
