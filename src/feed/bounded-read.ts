/** Reads of a store that always end in time. While too many reads hang, the store is not asked again. */

import { BoundedCalls, type Limit } from "../bounded-call.ts";
import { SYSTEM_TIMERS, type Timers } from "../timers.ts";

/** A read that takes longer than this has failed, whatever timeouts the store itself has. */
export const READ_TIMEOUT_MS = 5_000;

/** While this many reads hang, the store is not asked again. */
const HANGING_READS_MAX = 3;

export class BoundedReads {
  readonly #limit: Limit;
  readonly #calls = new BoundedCalls(
    HANGING_READS_MAX,
    (hanging) => new Error(`${hanging} reads of the store hang; the daemon asks again when one of them ends`),
  );

  /** @param ending aborted when the feed closes */
  constructor(ending: AbortSignal, timers: Timers = SYSTEM_TIMERS) {
    const late = () => new DOMException("the read took too long", "TimeoutError");
    this.#limit = { timers, ms: READ_TIMEOUT_MS, ending, late };
  }

  /** Rejects if the time is up, the feed closes, or the store fails. A late answer is dropped. */
  run<T>(read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#calls.run(this.#limit, read);
  }
}
