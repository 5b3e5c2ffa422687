/**
 * Looks for the files of overrides, as long as there is one. A person ends an override by removing its file.
 */

import type { Override } from "../saved/override-file.ts";
import type { Timers } from "../timers.ts";
import type { Overrides } from "./overrides.ts";

const LOOK_EVERY_MS = 2_000;

export class LiftedOverrides {
  readonly #overrides: Overrides;
  readonly #timers: Timers;
  readonly #lifted: (override: Override) => void;
  #timer: unknown;
  #isLooking = false;
  #isClosed = false;

  /** @param lifted called with each override whose file was removed */
  constructor(overrides: Overrides, timers: Timers, lifted: (override: Override) => void) {
    this.#overrides = overrides;
    this.#timers = timers;
    this.#lifted = lifted;
  }

  /** Call it when an override may have begun. */
  watch(): void {
    if (this.#isLooking || this.#isClosed || this.#overrides.all.length === 0) return;
    this.#isLooking = true;
    this.#timer = this.#timers.set(() => void this.#look(), LOOK_EVERY_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#timers.clear(this.#timer);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    // A directory that cannot be read says nothing: the overrides stay.
    const lifted = await this.#overrides.lifted().catch(() => []);
    this.#isLooking = false;
    if (this.#isClosed) return;
    for (const override of lifted) this.#lifted(override);
    this.watch();
  }
}
