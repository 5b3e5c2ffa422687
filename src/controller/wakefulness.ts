/**
 * The one timer of a controller for all its releases: while one is under way, it asks the store's clock, and
 * seldom for the freeze. If a write was refused, it looks whether this daemon may write again.
 */

import { SAMPLE_EVERY_MS, type StoreClock } from "../exchange/store-clock.ts";
import type { Timers } from "../timers.ts";
import type { Freezes } from "./freezes.ts";
import type { RightsTrial } from "./rights-trial.ts";

/** The freeze is read this often for people to see. An advance reads it again. */
const FREEZE_EVERY_MS = 60_000;

export interface WakefulnessParts {
  readonly clock: () => number;
  readonly timers: Timers;
  readonly storeClock: StoreClock;
  readonly freezes: Freezes;
  readonly trial: Pick<RightsTrial, "look">;
}

export class Wakefulness {
  readonly #parts: WakefulnessParts;
  readonly #clockAsked: () => void;
  #timer: unknown;
  #isAwake = false;
  #isClockAsked = false;
  #freezeAtMs = Number.NEGATIVE_INFINITY;

  /** @param clockAsked called once after each waking, when the store's clock has answered or failed */
  constructor(parts: WakefulnessParts, clockAsked: () => void) {
    this.#parts = parts;
    this.#clockAsked = clockAsked;
  }

  /** Whether the store's clock was asked since the controller woke up. */
  get isClockAsked(): boolean {
    return this.#isClockAsked;
  }

  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#tick();
  }

  sleep(): void {
    this.#isAwake = false;
    this.#isClockAsked = false;
    this.#parts.timers.clear(this.#timer);
  }

  #tick(): void {
    const { clock, timers, freezes, trial } = this.#parts;
    this.#timer = timers.set(() => this.#tick(), SAMPLE_EVERY_MS);
    void this.#askClock();
    void trial.look();
    if (clock() - this.#freezeAtMs < FREEZE_EVERY_MS) return;
    this.#freezeAtMs = clock();
    // An advance reads it again, so a failure is told there.
    freezes.read().catch(() => {});
  }

  /** Never rejects. */
  async #askClock(): Promise<void> {
    // Without a first answer no watch begins, so it is asked at once, whatever the last sample says.
    await this.#parts.storeClock.refresh(this.#isClockAsked ? SAMPLE_EVERY_MS : 0);
    if (this.#isClockAsked || !this.#isAwake) return;
    this.#isClockAsked = true;
    this.#clockAsked();
  }
}
