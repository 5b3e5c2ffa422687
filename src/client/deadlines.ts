/**
 * Ends the wait of questions whose time is up. One timer serves them all: every question has the same time,
 * so they end in the order in which they began.
 *
 * A timer that fires lets the client read its sockets once more before any question fails. After an
 * application was busy for 20 ms, timers are due *and* answers have arrived, and the event loop runs the
 * timers first. The application's own slowness must not look like the daemon's. So the questions that were
 * due when the timer fired end only after the sockets were read. Questions that became due since then do not
 * end yet. They may have been asked in this very turn, by the first of 50 requests that took 20 ms together,
 * and the sockets were not read since.
 *
 * While a question waits, the timer keeps the process alive; otherwise it does not.
 */

import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { Fifo } from "./fifo.ts";

/** An entry with a deadline. The code that settles it calls `Deadlines.settled`. */
export interface Deadlined {
  /** On the clock of `performance.now()`; never before the deadline of an earlier entry. */
  readonly deadlineMs: number;
  isSettled: boolean;
}

export class Deadlines<T extends Deadlined> {
  readonly #expire: (waiting: T) => void;
  readonly #queue = new Fifo<T>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param expire called with each entry whose time is up; it has to settle the entry */
  constructor(expire: (waiting: T) => void) {
    this.#expire = expire;
  }

  /** The number of entries that wait. */
  get count(): number {
    return this.#count;
  }

  add(waiting: T, nowMs: number): void {
    this.#queue.push(waiting);
    this.#count++;
    if (this.#timer === undefined) this.#arm(waiting.deadlineMs - nowMs);
    else if (this.#count === 1) this.#timer.ref();
  }

  /** Call it once for each entry that no longer waits. */
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
