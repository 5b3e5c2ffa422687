/** The freeze of a store, as this daemon read it last. */

import type { Calls } from "../exchange/calls.ts";
import type { Store } from "../stores/store.ts";
import { FREEZE, type Freeze, freezeIn } from "../verbs/freeze.ts";

const READ_MS = 5_000;

export class Freezes {
  readonly #store: Store;
  readonly #calls: Calls;
  #last: Freeze | undefined;

  constructor(store: Store, calls: Calls) {
    this.#store = store;
    this.#calls = calls;
  }

  /** Undefined before the first read. */
  get last(): Freeze | undefined {
    return this.#last;
  }

  /** Rejects with the store's error. */
  async read(): Promise<Freeze> {
    const snapshot = await this.#calls.run(READ_MS, (signal) => this.#store.read(FREEZE.application, signal));
    this.#last = freezeIn(snapshot);
    return this.#last;
  }
}
