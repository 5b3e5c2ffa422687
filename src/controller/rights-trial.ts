/**
 * Finds out whether a daemon may write, by a write that changes nothing (`verbs/write-trial.ts`). It tries
 * once before the daemon says that it leads a release, because the first write may be due hours later. After
 * a write was refused, it tries as long as the daemon follows a release.
 */

import type { Calls } from "../exchange/calls.ts";
import type { Snapshot, Store } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import { tryWrite, type WriteTrial } from "../verbs/write-trial.ts";
import type { Rights } from "./rights.ts";

/** A daemon without rights tries this often. */
export const TRIAL_EVERY_MS = 20_000;

/** The presence waits for the first trial, and is due within 5 s. */
const TRIAL_MS = 2_500;

export interface RightsTrialParts {
  readonly store: Store;
  readonly rights: Rights;
  readonly calls: Calls;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** An application with a release under way; undefined for none. */
  readonly application: () => string | undefined;
  /** Called with the records of an application that a trial has read. */
  readonly read: (application: string, snapshot: Snapshot) => void;
}

export class RightsTrial {
  readonly #parts: RightsTrialParts;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RightsTrialParts) {
    this.#parts = parts;
  }

  /** Call it every few seconds. It does nothing if the daemon is known to be able to write. Never rejects. */
  async look(): Promise<void> {
    const { rights, clock, application } = this.#parts;
    const tried = rights.isUntried ? application() : rights.deniedIn;
    if (tried === undefined || clock() - this.#triedAtMs < TRIAL_EVERY_MS) return;
    this.#triedAtMs = clock();
    rights.tried(tried, await this.#try(tried));
  }

  async #try(application: string): Promise<WriteTrial> {
    const { store, calls, read } = this.#parts;
    const took = (snapshot: Snapshot) => read(application, snapshot);
    try {
      return await calls.run(TRIAL_MS, (signal) => tryWrite(store, application, signal, took));
    } catch (error) {
      // The store does not answer, which the feed says.
      return { kind: "unknown", why: errorMessage(error) };
    }
  }
}
