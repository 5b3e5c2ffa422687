/**
 * The clock of requests: it stands still while a turn of the event loop lasts, as nginx's and HAProxy's do.
 *
 * What arrived together is decided at one moment, and its replies are timed together when the turn ends. Under load a
 * turn holds many requests, and reading the clock for each of them, twice, would cost more than deciding them. A
 * daemon that was stopped for an hour has a new turn when it goes on, so no table outlives its time by this.
 */

import type { Histogram } from "../metrics.ts";

/**
 * A turn that took longer is over, and the event loop has its own turn: clients that ask without end wait for the next one, so
 * that they do not hold up the other clients and the feed. A proxy's patience is 8 ms, and this is an eighth of it.
 */
const TURN_MS_MAX = 1;

/** To answer so many bytes of requests takes a fifth of a turn at most: then it is worth while to look at the clock. */
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
   * @param delay gets how long each reply took, from the beginning of its turn to the end
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

  /** When this turn began, in milliseconds. */
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

  /** Looks at the clock: after what takes as long as many requests, or when an output buffer is full. */
  lookAtClock(): void {
    if (this.#isOn && this.#clock() - this.#beganAtMs > TURN_MS_MAX) this.#isOver = true;
  }

  /** Whether the time of this turn is used up: then a connection with much more to be answered waits for the next one. */
  get isOver(): boolean {
    return this.#isOver;
  }
}
