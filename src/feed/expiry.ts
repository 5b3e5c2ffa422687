/**
 * Logs when tables become stale. Nothing else runs at that moment, because requests only compare times. One
 * timer serves all applications.
 */

import type { Table } from "../rollout.ts";
import type { Timers } from "../timers.ts";
import type { Tellings } from "./tellings.ts";

/** An application whose table is watched. */
export interface Expiring {
  readonly application: string;
  readonly table: Table;
  /** `untold`: the table is stale, and the log does not say so yet. `told`: the log says so. */
  expiry: "fresh" | "untold" | "told";
}

export class Expiry {
  readonly #all: readonly Expiring[];
  readonly #tellings: () => Tellings;
  readonly #clock: () => number;
  readonly #timers: Timers;
  #timer: unknown;

  constructor(all: readonly Expiring[], tellings: () => Tellings, clock: () => number, timers: Timers) {
    this.#all = all;
    this.#tellings = tellings;
    this.#clock = clock;
    this.#timers = timers;
  }

  /**
   * Call this when tables have been read. Sets the timer to the moment at which the oldest one becomes stale,
   * unless the timer is set already.
   */
  watch(): void {
    if (this.#timer === undefined) this.#look();
  }

  close(): void {
    this.#timers.clear(this.#timer);
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = this.#clock();
    const tellings = this.#tellings();
    let nextAtMs = Number.POSITIVE_INFINITY;
    for (const each of this.#all) {
      const { expiresAtMs } = each.table;
      if (expiresAtMs > nowMs) nextAtMs = Math.min(nextAtMs, expiresAtMs);
      else if (expiresAtMs > Number.NEGATIVE_INFINITY && each.expiry === "fresh") {
        each.expiry = "told";
        tellings.expired(each.application);
      }
    }
    tellings.flush(nowMs);
    if (nextAtMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#timers.set(() => this.#look(), nextAtMs - nowMs);
  }
}
