/** A clock and timers that a test moves. Beside a timer, real promises go on. */

import type { Timers } from "../../src/timers.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class ManualTime implements Timers {
  nowMs = 1_000;
  readonly #timers = new Set<Timer>();

  readonly clock = () => this.nowMs;

  /** Timers that have not fired. */
  get waiting(): number {
    return this.#timers.size;
  }

  set(callback: () => void, ms: number): unknown {
    const timer = { callback, atMs: this.nowMs + ms };
    this.#timers.add(timer);
    return timer;
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Lets `ms` pass. Each timer fires in its moment, and then all promises that it set off run. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      await settled();
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.callback();
    }
    this.nowMs = untilMs;
  }
}

/** Resolves when the promises that can go on have done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
