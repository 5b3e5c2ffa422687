/**
 * The store's clock, as this daemon knows it: one sample for all applications, which the monotonic clock
 * carries on. A clock that fails counts as none until it answers again.
 */

import type { Store } from "../stores/store.ts";
import type { Calls } from "./calls.ts";

/** While a release is under way, the store is asked this often at most. */
export const SAMPLE_EVERY_MS = 10_000;

/** The answer counts for the middle of its round trip. A longer one would say too little. */
const ROUND_TRIP_MS_MAX = 2_000;

interface Sample {
  readonly monotonicMs: number;
  readonly storeMs: number;
}

export class StoreClock {
  readonly #store: Pick<Store, "clock">;
  readonly #clock: () => number;
  readonly #calls: Calls;
  #sample: Sample | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  /** @param clock monotonic, in milliseconds */
  constructor(store: Pick<Store, "clock">, clock: () => number, calls: Calls) {
    this.#store = store;
    this.#clock = clock;
    this.#calls = calls;
  }

  /** The store's time at a moment of the monotonic clock; undefined if it is not known. */
  at(monotonicMs: number): number | undefined {
    const sample = this.#sample;
    return sample === undefined ? undefined : sample.storeMs + (monotonicMs - sample.monotonicMs);
  }

  /** Asks the store, unless it was asked less than `ageMsMax` ago. Never rejects. */
  async refresh(ageMsMax: number): Promise<void> {
    if (this.#store.clock === undefined) return;
    if (this.#asking === undefined && this.#clock() - this.#askedAtMs < ageMsMax) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const beganMs = this.#clock();
    this.#askedAtMs = beganMs;
    try {
      const storeMs = await this.#calls.run(ROUND_TRIP_MS_MAX, async (signal) => this.#store.clock?.(signal));
      const monotonicMs = (beganMs + this.#clock()) / 2;
      this.#sample = isTime(storeMs) ? { monotonicMs, storeMs } : undefined;
    } catch {
      this.#sample = undefined;
    }
  }
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
