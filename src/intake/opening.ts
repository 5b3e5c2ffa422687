/**
 * Opens a door as soon as its address is free. The daemon before this one may still have it, or a daemon of
 * other applications on the same machine. Visitors must not wait for that, so the daemon starts without.
 */

import { hostPortText } from "../address.ts";
import { errorMessage } from "../text/error-message.ts";
import { type DoorContext, TRY_MS } from "./door.ts";
import type { DoorName } from "./outcome.ts";

const CLOSED = "the daemon cannot have the address for outcomes, so it does not hear some of them";

export class Opening {
  readonly #context: DoorContext;
  readonly #name: DoorName;
  readonly #open: () => Promise<void>;
  #timer: unknown;
  #isOver = false;
  #trying: Promise<void> = Promise.resolve();
  #hasWarned = false;

  /**
   * @param name the door, for metrics and the log
   * @param open opens it; rejects if it cannot have its address
   */
  constructor(context: DoorContext, name: DoorName, open: () => Promise<void>) {
    this.#context = context;
    this.#name = name;
    this.#open = open;
    context.intake.counts.doors.set(name, false);
  }

  /** Tries now, and again each `TRY_MS` until it succeeds. Never rejects. */
  begin(): Promise<void> {
    this.#trying = this.#try();
    return this.#trying;
  }

  async #try(): Promise<void> {
    const { intake, log, timers } = this.#context;
    try {
      await this.#open();
    } catch (error) {
      this.#warn(error);
      if (!this.#isOver) this.#timer = timers.set(() => void this.begin(), TRY_MS);
      return;
    }
    intake.counts.doors.set(this.#name, true);
    if (this.#hasWarned) {
      log.info("the daemon has the address for outcomes now", { door: this.#name, ...this.#where });
    }
  }

  /** The door closes. Resolves when it will not open any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#context.timers.clear(this.#timer);
    await this.#trying;
    this.#context.intake.counts.doors.set(this.#name, false);
  }

  get #where() {
    return { address: hostPortText(this.#context.address) };
  }

  #warn(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#context.log.warn(CLOSED, {
      door: this.#name,
      ...this.#where,
      error: errorMessage(error),
      remedy: "it tries again each second: end the program that has the address, or choose another -outcomes",
    });
  }
}
