/**
 * The clock of requests: it stands still while a turn of the event loop lasts, as nginx's and HAProxy's do.
 *
 * What arrived together is decided at one moment, and its replies are timed together when the turn ends. Under load a
 * turn holds many requests, and reading the clock for each of them, twice, would cost more than deciding them. A
 * daemon that was stopped for an hour has a new turn when it goes on, so no table outlives its time by this.
 */

import type { Histogram } from "../metrics.ts";

/**
 * So many whole output buffers go out in a turn, some ten milliseconds of work: then the event loop has its own turn, and
 * clients that ask without end wait for the next one, lest they hold up everybody else, the feed among them.
 */
const BUFFERS_MAX = 16;

export class Turn {
  readonly #clock: () => number;
  readonly #delay: Histogram;
  readonly #end: () => void;
  #isOn = false;
  #beganAtMs = 0;
  #answered = 0;
  #buffers = 0;

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
      this.#buffers = 0;
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

  /** Replies of this turn so far. */
  get count(): number {
    return this.#answered;
  }

  /** Counts replies of this turn. */
  answered(count: number): void {
    this.#answered += count;
  }

  /** Counts an output buffer that was filled and handed over, with more to come. */
  filled(): void {
    this.#buffers++;
  }

  /** Whether whoever has more to be answered waits for the next turn. */
  get isFull(): boolean {
    return this.#buffers >= BUFFERS_MAX;
  }
}
