/** Time that passes when a test says so, with timers that the test does not have to fake. */

import type { Timers } from "../../src/timers.ts";

/** How many turns of the event loop one event may set off. */
const TURNS = 24;

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class HandTime {
  /** Monotonic, in milliseconds. */
  nowMs = 1_000;
  readonly #timers = new Set<Timer>();
  readonly #settle: () => Promise<void>;
  #order = 0;

  /** @param settled resolves when all that an event set off has happened */
  constructor(settled: () => Promise<void> = settle) {
    this.#settle = settled;
  }

  readonly clock = (): number => this.nowMs;

  readonly timers: Timers = {
    set: (callback, ms) => {
      const timer = { atMs: this.nowMs + ms, order: this.#order++, callback };
      this.#timers.add(timer);
      return timer;
    },
    clear: (timer) => {
      this.#timers.delete(timer as Timer);
    },
  };

  /** Number of timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass: each timer calls back in its order, and all that it sets off happens at once. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await this.#settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.callback();
      await this.#settle();
    }
    this.nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      const isSooner = first === undefined || timer.atMs - first.atMs || timer.order - first.order;
      if (timer.atMs <= untilMs && (isSooner === true || Number(isSooner) < 0)) first = timer;
    }
    return first;
  }
}

/** Lets everything run that waits for no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
