/**
 * The clock of requests. It stands still during a turn of the event loop, like the clocks of nginx and
 * HAProxy.
 *
 * Requests that arrived together are decided at one moment, and their replies are timed together when the
 * turn ends. Under load a turn has many requests, and to read the clock twice for each would cost more than
 * to decide. If the process is stopped for an hour, it has a new turn when it goes on, so no table is used
 * after its time.
 */

import type { Histogram } from "../metrics.ts";

/**
 * A turn that takes longer is over. Clients that ask without end then wait for the next turn, so that they do
 * not delay other clients and the feed. A proxy waits 8 ms for an answer, and this is an eighth of that.
 */
const TURN_MS_MAX = 1;

/**
 * A server looks at the clock after this many bytes of requests. To answer them takes a fifth of a turn at
 * most.
 */
export const LOOK_BYTES = 512;

export class Turn {
  readonly #clock: () => number;
  readonly #delay: Histogram;
  readonly #end: () => void;
  #isOn = false;
  #beganAtMs = 0;
  #answered = 0;
  #isOver = false;

  /**
   * @param clock monotonic, in milliseconds
   * @param delay gets the time of each reply, from the beginning of its turn to the end
   */
  constructor(clock: () => number, delay: Histogram) {
    this.#clock = clock;
    this.#delay = delay;
    this.#end = () => {
      this.#isOn = false;
      if (this.#answered > 0) this.#delay.observe(this.#clock() - this.#beganAtMs, this.#answered);
      this.#answered = 0;
      this.#isOver = false;
    };
  }

  /** The time at which this turn began, in milliseconds. */
  now(): number {
    if (this.#isOn) return this.#beganAtMs;
    this.#isOn = true;
    setImmediate(this.#end);
    this.#beganAtMs = this.#clock();
    return this.#beganAtMs;
  }

  /** Counts replies of this turn. */
  answered(count: number): void {
    this.#answered += count;
  }

  /**
   * Looks at the clock. Called after work that takes as long as many requests, and when an output buffer is
   * full.
   */
  lookAtClock(): void {
    if (this.#isOn && this.#clock() - this.#beganAtMs > TURN_MS_MAX) this.#isOver = true;
  }

  /**
   * Whether the time of this turn is used up. Then a connection with many more requests waits for the next
   * turn.
   */
  get isOver(): boolean {
    return this.#isOver;
  }
}
