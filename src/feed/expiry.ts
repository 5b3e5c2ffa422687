/** Tells when an application's table outlives its time, and when a fresh one follows: nobody else sees that moment. */

import type { Log } from "../log.ts";
import type { Table } from "../rollout.ts";

export class Expiry {
  readonly #log: Log;
  readonly #fields: { readonly application: string; readonly store: string };
  readonly #clock: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasExpired = false;

  constructor(application: string, store: string, log: Log, clock: () => number) {
    this.#fields = { application, store };
    this.#log = log;
    this.#clock = clock;
  }

  /** This table counts from now on. */
  watch(table: Table): void {
    clearTimeout(this.#timer);
    const leftMs = table.expiresAtMs - this.#clock();
    // A read whose answer this process only saw when it had been stopped for long is no news.
    if (leftMs <= 0) {
      this.#expire();
      return;
    }
    const { application } = this.#fields;
    if (this.#hasExpired) this.#log.info("the store's rollouts count again", { application });
    this.#hasExpired = false;
    this.#timer = setTimeout(() => this.#expire(), leftMs);
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    if (this.#hasExpired) return;
    this.#hasExpired = true;
    const message = "the last values are unhealthy: everyone goes to master, but for versions that hold";
    this.#log.error(message, this.#fields);
  }
}
