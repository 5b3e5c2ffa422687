/**
 * Reads of a store that end in time, whatever the store does. A read that neither answers nor heeds its signal is left to
 * hang, and the store is not asked again while too many reads hang.
 */

/** The longest that a read may take before it counts as failed, whatever the store itself does. */
export const READ_TIMEOUT_MS = 5_000;

/** A store that neither answers nor heeds its signal is not asked again while this many reads hang. */
const HANGING_READS_MAX = 3;

export class BoundedReads {
  readonly #ending: AbortSignal;
  #hanging = 0;

  /** @param ending aborted when no answer is wanted any more */
  constructor(ending: AbortSignal) {
    this.#ending = ending;
  }

  /** Rejects when its time is up, the feed ends, or the store fails; a late answer is dropped. */
  async run<T>(read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#hanging >= HANGING_READS_MAX) {
      throw new Error(`${this.#hanging} reads of the store hang; waiting for one to end`);
    }
    const signal = AbortSignal.any([this.#ending, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    const outOfTime = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
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
      // A store that heeds its signal may be first to say so, in words of its own.
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** It hangs until it settles after all. */
  #watch(reading: Promise<unknown>): void {
    this.#hanging++;
    const end = () => {
      this.#hanging--;
    };
    reading.then(end, end);
  }
}
