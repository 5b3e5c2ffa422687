/**
 * The link of a daemon to its fleet, for all parts that follow releases: calls of the store that end in time,
 * the store's clock, and the exchanges of news.
 */

import type { OwnState } from "../evidence/news.ts";
import type { Log } from "../log/log.ts";
import type { Store } from "../stores/store.ts";
import type { Timers } from "../timers.ts";
import { Calls } from "./calls.ts";
import { Exchanges } from "./exchanges.ts";
import { StoreClock } from "./store-clock.ts";

export interface StoreLinkParts {
  readonly store: Store;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** This machine's clock: milliseconds since 1970. */
  readonly wallClock: () => number;
  /** The reports of outcomes that this daemon could not take since its start. */
  readonly dropped: () => number;
}

export class StoreLink {
  readonly calls: Calls;
  readonly storeClock: StoreClock;
  /** Undefined if the store keeps no evidence. */
  readonly exchanges: Exchanges | undefined;
  readonly #parts: Pick<StoreLinkParts, "clock" | "wallClock" | "dropped">;

  constructor(parts: StoreLinkParts) {
    const { store, clock, timers, random, log } = parts;
    this.#parts = parts;
    this.calls = new Calls(timers);
    this.storeClock = new StoreClock(store, clock, this.calls);
    const { evidence } = store;
    this.exchanges = evidence && new Exchanges({ evidence, calls: this.calls, clock, timers, random, log });
  }

  /** The state of this daemon, which its news tell the others. */
  ownState(): OwnState {
    const { clock, wallClock, dropped } = this.#parts;
    const storeMs = this.storeClock.at(clock());
    return {
      ...(storeMs === undefined ? {} : { aheadMs: Math.round(storeMs - wallClock()) }),
      dropped: dropped(),
    };
  }
}
