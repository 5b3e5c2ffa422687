/** One timer for one moment of the monotonic clock. It can be set again, and then rings at the new moment. */

import type { Timers } from "../timers.ts";

/** No timer is longer, so that the ring comes now and then in any case. */
const TIMER_MS_MAX = 600_000;

export class Alarm {
  readonly #clock: () => number;
  readonly #timers: Timers;
  readonly #ring: () => void;
  #timer: unknown;
  /** Infinity if no timer is set. */
  #atMs = Number.POSITIVE_INFINITY;

  /** @param clock monotonic, in milliseconds */
  constructor(clock: () => number, timers: Timers, ring: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#ring = ring;
  }

  /** @param wantedAtMs Infinity for no moment in particular */
  set(wantedAtMs: number): void {
    const nowMs = this.#clock();
    const atMs = Math.min(wantedAtMs, nowMs + TIMER_MS_MAX);
    if (atMs === this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    // Whole milliseconds, so that the timer does not come a moment too early.
    const ms = Math.max(0, Math.ceil(atMs - nowMs));
    this.#timer = this.#timers.set(() => {
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#ring();
    }, ms);
  }

  clear(): void {
    this.#timers.clear(this.#timer);
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}
