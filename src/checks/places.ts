/**
 * The evaluations that may run at once. The others wait in the order in which they came. One check has only
 * some of the places, so a program that hangs does not delay all others. An evaluation keeps its place until
 * it has really ended, also if nothing waits for its answer any more. Pure.
 */

/** Evaluations of all checks at once. Each has a connection of its own. */
export const PLACES_MAX = 32;
/** Evaluations of one check at once. */
export const PLACES_OF_CHECK_MAX = 8;

interface Waiting {
  readonly check: string;
  readonly start: () => void;
}

export class Places {
  readonly #taken = new Map<string, number>();
  #takenInAll = 0;
  readonly #waiting = new Set<Waiting>();

  /**
   * Calls `start` once, now or when there is a place. Then call `leave`.
   *
   * @returns gives up the wait; without an effect after the start
   */
  enter(check: string, start: () => void): () => void {
    const waiting = { check, start };
    this.#waiting.add(waiting);
    this.#startWaiting();
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  /** An evaluation of this check has ended. */
  leave(check: string): void {
    this.#takenInAll--;
    const left = this.#takenBy(check) - 1;
    if (left === 0) this.#taken.delete(check);
    else this.#taken.set(check, left);
    this.#startWaiting();
  }

  #startWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.#takenInAll >= PLACES_MAX) return;
      const { check, start } = waiting;
      const taken = this.#takenBy(check);
      if (taken >= PLACES_OF_CHECK_MAX) continue;
      this.#waiting.delete(waiting);
      this.#takenInAll++;
      this.#taken.set(check, taken + 1);
      start();
    }
  }

  #takenBy(check: string): number {
    return this.#taken.get(check) ?? 0;
  }
}
