/**
 * Calls of a store that always end in time. A call that neither answers nor heeds its signal is left behind,
 * still hanging. Its answer is dropped: what it may have written is found by the next read.
 */

import { StoreError } from "../stores/store.ts";
import type { Timers } from "../timers.ts";

/** While this many calls hang, the store is not asked again. */
const HANGING_MAX = 16;

export class Calls {
  readonly #timers: Timers;
  readonly #ending = new AbortController();
  #hanging = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Gives up all calls that are under way, and all later ones. */
  end(): void {
    this.#ending.abort(new StoreError("unavailable", "the daemon ends"));
  }

  /** A signal that aborts after some milliseconds, or when the daemon ends. */
  limit(ms: number): AbortSignal {
    const limited = new AbortController();
    this.#limit(limited, ms);
    return limited.signal;
  }

  /** Settles as `call` does, or rejects after `ms`. */
  async run<T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#hanging >= HANGING_MAX) {
      throw new StoreError("unavailable", `${this.#hanging} calls of the store hang`);
    }
    const limited = new AbortController();
    const release = this.#limit(limited, ms);
    const { signal } = limited;
    const outOfTime = Promise.withResolvers<never>();
    const give = () => outOfTime.reject(signal.reason);
    if (signal.aborted) give();
    else signal.addEventListener("abort", give, { once: true });
    let isSettled = false;
    // A store may throw before it returns a promise.
    const calling = (async () => call(signal))().finally(() => {
      isSettled = true;
    });
    try {
      return await Promise.race([calling, outOfTime.promise]);
    } catch (error) {
      if (!isSettled) this.#watch(calling);
      // A store that heeds its signal may reject first, with an error of its own.
      throw signal.aborted ? signal.reason : error;
    } finally {
      release();
      signal.removeEventListener("abort", give);
    }
  }

  #limit(limited: AbortController, ms: number): () => void {
    const ending = this.#ending.signal;
    const end = () => limited.abort(ending.reason);
    if (ending.aborted) end();
    const timer = this.#timers.set(() => {
      ending.removeEventListener("abort", end);
      limited.abort(new StoreError("unavailable", `no answer within ${ms / 1_000}s`));
    }, ms);
    ending.addEventListener("abort", end, { once: true });
    return () => {
      this.#timers.clear(timer);
      ending.removeEventListener("abort", end);
    };
  }

  #watch(calling: Promise<unknown>): void {
    this.#hanging++;
    const end = () => {
      this.#hanging--;
    };
    calling.then(end, end);
  }
}
