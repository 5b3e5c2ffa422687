/** Timers that fire when the test says so, and a clock that goes on with them. */

import type { Timers } from "../../src/timers.ts";
import { eventually } from "../support/eventually.ts";

interface Timer {
  readonly callback: () => void;
  readonly ms: number;
  readonly dueMs: number;
}

export class HandTimers implements Timers {
  nowMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #settle: () => Promise<void>;

  /** @param settle lets all run that a timer has set off; by default also what waits for sockets */
  constructor(settle: () => Promise<void> = () => Bun.sleep(0)) {
    this.#settle = settle;
  }

  set(callback: () => void, ms: number): unknown {
    const timer = { callback, ms, dueMs: this.nowMs + ms };
    this.#timers.add(timer);
    return timer;
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** The durations of the timers that run, ascending. */
  get running(): readonly number[] {
    return [...this.#timers].map(({ ms }) => ms).sort((a, b) => a - b);
  }

  /** Lets time pass. Each timer fires in its order, and the promises that it sets off run before the next. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.#timers.delete(next);
      next.callback();
      await this.#settle();
    }
    this.nowMs = endMs;
  }

  /** Waits until a timer of this duration runs, and fires it. */
  async fire(isMeant: (ms: number) => boolean, what: string): Promise<void> {
    await eventually(() => this.running.some(isMeant), what);
    const timer = [...this.#timers].find(({ ms }) => isMeant(ms)) as Timer;
    this.#timers.delete(timer);
    this.nowMs = Math.max(this.nowMs, timer.dueMs);
    timer.callback();
  }
}
