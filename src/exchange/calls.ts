/**
 * Calls of a store that always end in time. The late answer of a call is dropped: what it may have written is
 * found by the next read.
 */

import { BoundedCalls, type Limit, limitedSignal } from "../bounded-call.ts";
import { StoreError } from "../stores/store.ts";
import type { Timers } from "../timers.ts";

/** While this many calls hang, the store is not asked again. */
const HANGING_MAX = 16;

export class Calls {
  readonly #timers: Timers;
  readonly #ending = new AbortController();
  readonly #calls = new BoundedCalls(
    HANGING_MAX,
    (hanging) => new StoreError("unavailable", `${hanging} calls of the store hang`),
  );

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Gives up all calls that are under way, and all later ones. */
  end(): void {
    this.#ending.abort(new StoreError("unavailable", "the daemon ends"));
  }

  /** A signal that aborts after some milliseconds, or when the daemon ends. */
  limit(ms: number): AbortSignal {
    return limitedSignal(this.#limit(ms)).signal;
  }

  /** Settles as `call` does, or rejects after `ms`. */
  run<T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#calls.run(this.#limit(ms), call);
  }

  #limit(ms: number): Limit {
    const late = () => new StoreError("unavailable", `no answer within ${ms / 1_000}s`);
    return { timers: this.#timers, ms, ending: this.#ending.signal, late };
  }
}
