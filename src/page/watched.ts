/**
 * One application that at least one page shows. While it is watched, the daemon looks at its releases: soon
 * after each change that the feed has read, and else once a second. Nothing is read for a page that is not
 * open.
 */

import type { Moment } from "../evidence/crew.ts";
import { readHistory, type ShownChange } from "../records/history.ts";
import type { Snapshot, Store } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Timers } from "../timers.ts";
import type { Freeze } from "../verbs/freeze.ts";
import { type FreezeChange, readFreezeHistory } from "../verbs/freeze-history.ts";
import { type Clocks, type Observation, Observer } from "../verbs/observer.ts";

/** Time between two looks while nothing changes. */
const LOOK_MS = 1_000;

/** A look that takes longer is given up. */
const LOOK_MS_MAX = 5_000;

/** Changes on a page. */
const HISTORY_LENGTH = 50;

/** Freezes and their ends on a page. */
const FREEZES_LENGTH = 20;

export interface WatchedOptions {
  readonly store: Store;
  readonly application: string;
  readonly clocks: Clocks;
  readonly timers: Timers;
  /** Called after each look, unless it is looked again at once. */
  readonly looked: () => void;
}

export class Watched {
  readonly #options: WatchedOptions;
  readonly #observer: Observer;
  #timer: unknown;
  #isLooking = false;
  #isAgain = false;
  #hasEnded = false;
  /** The revisions of the history that was read last, and the freeze. */
  #historyOf: string | undefined;
  #freezesOf: string | undefined;
  /** The last look that succeeded; undefined before the first. */
  observation: Observation | undefined;
  history: readonly ShownChange[] = [];
  freezes: readonly FreezeChange[] = [];
  /** Why the last look failed; undefined if it did not. */
  error: string | undefined;

  constructor(options: WatchedOptions) {
    this.#options = options;
    this.#observer = new Observer(options.store, options.application, options.clocks, true);
    this.look();
  }

  /** Looks at once, or again after the look that is under way. */
  look(): void {
    if (this.#hasEnded) return;
    if (this.#isLooking) {
      this.#isAgain = true;
      return;
    }
    this.#options.timers.clear(this.#timer);
    void this.#look();
  }

  /** Whether a look has ended, well or not. */
  get hasLooked(): boolean {
    return this.observation !== undefined || this.error !== undefined;
  }

  /** Now, by the clocks of the last look. */
  now(): Moment {
    return this.#observer.now();
  }

  end(): void {
    this.#hasEnded = true;
    this.#options.timers.clear(this.#timer);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      const signal = AbortSignal.timeout(LOOK_MS_MAX);
      this.observation = await this.#observer.look(signal);
      await this.#readHistory(this.observation.snapshot, signal);
      await this.#readFreezes(this.observation.freeze, signal);
      this.error = undefined;
    } catch (error) {
      this.error = errorMessage(error);
    }
    this.#isLooking = false;
    if (this.#hasEnded) return;
    if (!this.#isAgain) this.#options.looked();
    this.#timer = this.#options.timers.set(() => this.look(), this.#isAgain ? 0 : LOOK_MS);
    this.#isAgain = false;
  }

  /** Whether the history has all changes that the store remembers. */
  get isHistoryWhole(): boolean {
    return this.history.length < HISTORY_LENGTH;
  }

  /** Perhaps the login may read the application, and not this. Then the page is without it. */
  async #readFreezes(freeze: Freeze | undefined, signal: AbortSignal): Promise<void> {
    const now = JSON.stringify(freeze);
    if (freeze === undefined || now === this.#freezesOf) return;
    try {
      this.freezes = await readFreezeHistory(this.#options.store, FREEZES_LENGTH, signal);
      this.#freezesOf = now;
    } catch {
      // The records have the same store, and say what is wrong with it.
    }
  }

  /** Records with the same revisions have no new change. */
  async #readHistory(snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const revisions = JSON.stringify(Array.from(snapshot, ([version, { revision }]) => [version, revision]));
    if (revisions === this.#historyOf) return;
    const { store, application } = this.#options;
    this.history = await readHistory(store, application, undefined, HISTORY_LENGTH, signal);
    this.#historyOf = revisions;
  }
}
