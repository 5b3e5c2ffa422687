/**
 * Runs long work in slices of time. The event loop answers visitors between two slices.
 *
 *     for (const item of many) {
 *       if (slices.isOver()) await slices.next();
 *       …one short step…
 *     }
 */

/** A visitor waits at most this long for such work, in milliseconds. A proxy waits 8 ms for a reply. */
const SLICE_MS = 0.25;

/**
 * Number of steps between two reads of the clock, because reading the clock costs as much as a short step.
 */
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

  /** Counts a step. True if the slice is used up: then await `next` before the next step. */
  isOver(): boolean {
    this.#steps++;
    return this.#steps % STEPS_PER_LOOK === 0 && this.#clock() >= this.#endsAtMs;
  }

  /** The same as `isOver`, but always reads the clock: for use after a step that may have been long. */
  isOverNow(): boolean {
    return this.#clock() >= this.#endsAtMs;
  }

  /** Begins a new slice, after the event loop has answered the requests that arrived in the meantime. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#endsAtMs = this.#clock() + SLICE_MS;
  }
}
