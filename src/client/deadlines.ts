/**
 * Ends the wait of questions whose time is up: one timer for all of them, since all have the same patience and so end
 * in the order in which they began.
 *
 * A timer that fires looks once more at what has arrived before it gives up on anything. An application that was busy
 * for 20 ms finds its timers due *and* the answers in its sockets, and the former come first in a turn of the event loop;
 * its own slowness must not look like the daemon's. So what was due when the timer fired is given up on after the
 * sockets were read, and not what became due meanwhile: that was asked in this very turn, maybe, by the first of 50
 * requests that took 20 ms together, and nothing was read for it since.
 *
 * While somebody waits the timer keeps the process alive, else it does not.
 */

import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { Fifo } from "./fifo.ts";

/** What has a deadline. The code that settles it tells `Deadlines.settled`. */
export interface Deadlined {
  /** By `performance.now()`; not before that of an earlier one. */
  readonly deadlineMs: number;
  isSettled: boolean;
}

export class Deadlines<T extends Deadlined> {
  readonly #expire: (waiting: T) => void;
  readonly #queue = new Fifo<T>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param expire told of each whose time is up; it has to settle it */
  constructor(expire: (waiting: T) => void) {
    this.#expire = expire;
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  add(waiting: T, nowMs: number): void {
    this.#queue.push(waiting);
    this.#count++;
    if (this.#timer === undefined) this.#arm(waiting.deadlineMs - nowMs);
    else if (this.#count === 1) this.#timer.ref();
  }

  /** One of them does not wait any more. */
  settled(): void {
    this.#count--;
    while (this.#queue.peek()?.isSettled === true) this.#queue.shift();
    if (this.#count === 0) this.#timer?.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(inMs: number): void {
    const look = () => {
      const firedMs = performance.now();
      setImmediate(() => this.#expireUntil(firedMs));
    };
    this.#timer = setTimeout(look, Math.max(1, Math.ceil(inMs)));
  }

  #expireUntil(dueMs: number): void {
    for (;;) {
      const oldest = this.#queue.peek();
      if (oldest === undefined || oldest.deadlineMs > dueMs) break;
      this.#queue.shift();
      if (!oldest.isSettled) this.#expire(oldest);
    }
    const next = this.#queue.peek();
    if (next === undefined) this.close();
    else this.#arm(next.deadlineMs - performance.now());
  }
}
