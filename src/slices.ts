/**
 * Long work beside visitors: it runs in slices of time, and the event loop answers visitors between two slices.
 *
 *     for (const item of many) {
 *       if (slices.isOver()) await slices.next();
 *       …one short step…
 *     }
 */

/** A visitor waits at most this long for such work, in milliseconds. A proxy's patience is 8. */
const SLICE_MS = 0.25;

/** Steps between two looks at the clock: a look costs as much as a short step. */
const STEPS_PER_LOOK = 16;

export class Slices {
  readonly #clock: () => number;
  #endsAtMs: number;
  #steps = 0;

  /** @param clock monotonic, in milliseconds */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#endsAtMs = clock() + SLICE_MS;
  }

  /** Counts a step; true if the slice is used up, and `next` has to be awaited before the next step. */
  isOver(): boolean {
    this.#steps++;
    return this.#steps % STEPS_PER_LOOK === 0 && this.#clock() >= this.#endsAtMs;
  }

  /** As `isOver`, after a step that may have been long. */
  isOverNow(): boolean {
    return this.#clock() >= this.#endsAtMs;
  }

  /** Resolves with a new slice, after the event loop has answered what arrived in the meantime. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#endsAtMs = this.#clock() + SLICE_MS;
  }
}
