/**
 * Finds out whether a daemon whose write was refused may write again. Nothing may be due for hours, and then
 * no write of a release would show it. So as long as it follows a release, the daemon tries a write that
 * changes nothing (`verbs/write-trial.ts`).
 */

import type { Calls } from "../exchange/calls.ts";
import type { Store } from "../stores/store.ts";
import { tryWrite } from "../verbs/write-trial.ts";
import type { Rights } from "./rights.ts";

/** A daemon without rights tries this often. */
export const TRIAL_EVERY_MS = 20_000;

const TRIAL_MS = 5_000;

export interface RightsTrialParts {
  readonly store: Store;
  readonly rights: Rights;
  readonly calls: Calls;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** Called when the daemon may write again. */
  readonly regained: () => void;
}

export class RightsTrial {
  readonly #parts: RightsTrialParts;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RightsTrialParts) {
    this.#parts = parts;
  }

  /** Call it every few seconds. It does nothing if the daemon may write. Never rejects. */
  async look(): Promise<void> {
    const { rights, clock } = this.#parts;
    const application = rights.deniedIn;
    if (application === undefined || clock() - this.#triedAtMs < TRIAL_EVERY_MS) return;
    this.#triedAtMs = clock();
    if (await this.#isAllowed(application)) this.#parts.regained();
  }

  async #isAllowed(application: string): Promise<boolean> {
    const { store, rights, calls } = this.#parts;
    try {
      const trial = await calls.run(TRIAL_MS, (signal) => tryWrite(store, application, signal));
      return trial.kind === "allowed" && rights.regained();
    } catch {
      // The store does not answer, which the feed says.
      return false;
    }
  }
}
