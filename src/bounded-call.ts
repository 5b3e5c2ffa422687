/**
 * Calls that always end in time, whatever timeouts the callee itself has. A call that neither answers nor
 * heeds its signal is left behind, still hanging, and its late answer is dropped.
 */

import type { Timers } from "./timers.ts";

export interface Limit {
  readonly timers: Timers;
  readonly ms: number;
  /** Ends the call too, with its own reason. */
  readonly ending: AbortSignal;
  /** The reason if the time is up. */
  readonly late: () => unknown;
}

/** A signal that aborts when the time is up, or with `ending`. `release` ends its timer. */
export function limitedSignal({ timers, ms, ending, late }: Limit): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const limited = new AbortController();
  const end = () => abort(ending.reason);
  const timer = timers.set(() => abort(late()), ms);
  const release = () => {
    timers.clear(timer);
    ending.removeEventListener("abort", end);
  };
  const abort = (reason: unknown) => {
    release();
    limited.abort(reason);
  };
  if (ending.aborted) end();
  else ending.addEventListener("abort", end, { once: true });
  return { signal: limited.signal, release };
}

/**
 * Settles as `call` does, or rejects with the reason for which it had to end.
 *
 * @param leftBehind called with a call that still hangs
 */
export async function boundedCall<T>(
  limit: Limit,
  call: (signal: AbortSignal) => Promise<T>,
  leftBehind: (hanging: Promise<unknown>) => void = () => {},
): Promise<T> {
  limit.ending.throwIfAborted();
  const { signal, release } = limitedSignal(limit);
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  let isSettled = false;
  // The callee may throw before it returns a promise.
  const calling = (async () => call(signal))().finally(() => {
    isSettled = true;
  });
  try {
    return await Promise.race([calling, ended.promise]);
  } catch (error) {
    if (!isSettled) leftBehind(calling);
    // A callee that heeds its signal may reject first, with an error of its own.
    throw signal.aborted ? signal.reason : error;
  } finally {
    release();
    signal.removeEventListener("abort", end);
  }
}

/** Bounded calls of one callee. While too many of them hang, it is not called again. */
export class BoundedCalls {
  readonly #hangingMax: number;
  readonly #tooMany: (hanging: number) => Error;
  #hanging = 0;

  /** @param tooMany the error of a call that is not made */
  constructor(hangingMax: number, tooMany: (hanging: number) => Error) {
    this.#hangingMax = hangingMax;
    this.#tooMany = tooMany;
  }

  /** As `boundedCall`. */
  async run<T>(limit: Limit, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#hanging >= this.#hangingMax) throw this.#tooMany(this.#hanging);
    return boundedCall(limit, call, (hanging) => this.#watch(hanging));
  }

  /** Counts a call as hanging until it settles. */
  #watch(calling: Promise<unknown>): void {
    this.#hanging++;
    const end = () => {
      this.#hanging--;
    };
    calling.then(end, end);
  }
}
