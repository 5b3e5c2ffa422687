/**
 * The limit of a controller's writes of one record. A sound release is written once a second at most. If a
 * clock jumps, or another program changes the record again and again, a controller without a limit could
 * write it hundreds of times a second, and fill its history and the engine's log.
 *
 * Only writes that raise, pause or change are held back. Law 10: the way down never waits. It is counted all
 * the same.
 */

import { StoreError } from "../stores/store.ts";
import type { Target } from "../verbs/look.ts";

/** A record may be written this often at once, and then once in `WRITE_EVERY_MS`. */
export const WRITES_AT_ONCE = 20;
export const WRITE_EVERY_MS = 1_000;

/** More records than this are forgotten if they were not written for long. */
const KEPT_MAX = 1_024;

export class WriteRates {
  /** Monotonic, in milliseconds. */
  readonly #clock: () => number;
  /** For each record, when all its writes will be paid off: each one costs `WRITE_EVERY_MS`. */
  readonly #paidAtMs = new Map<string, number>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /**
   * Call it before each write.
   *
   * @throws {StoreError} if there were too many, and the write is not on the way down
   */
  count({ application, version }: Target, isDown: boolean): void {
    const name = `${application}\0${version}`;
    const nowMs = this.#clock();
    const paidAtMs = Math.max(nowMs, this.#paidAtMs.get(name) ?? nowMs);
    const isTooOften = paidAtMs - nowMs > (WRITES_AT_ONCE - 1) * WRITE_EVERY_MS;
    if (isTooOften && !isDown) {
      throw new StoreError(
        "refused",
        `this daemon has written ${version} of ${application} too often, so it waits: another program may ` +
          "change the record again and again, or the store may lose its writes",
      );
    }
    const debtMsMax = WRITES_AT_ONCE * WRITE_EVERY_MS;
    this.#paidAtMs.set(name, Math.min(paidAtMs + WRITE_EVERY_MS, nowMs + debtMsMax));
    if (this.#paidAtMs.size > KEPT_MAX) this.#forget(nowMs);
  }

  #forget(nowMs: number): void {
    for (const [name, paidAtMs] of this.#paidAtMs) if (paidAtMs <= nowMs) this.#paidAtMs.delete(name);
  }
}
