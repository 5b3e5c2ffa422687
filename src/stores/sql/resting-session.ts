/** A connection that is closed while it is not needed, such as the one for evidence. */

import { SYSTEM_TIMERS, type Timers } from "../../timers.ts";
import { type Ask, type Engine, Session } from "./session.ts";

/** The limit for each call, with connecting. */
const CALL_TIMEOUT_MS = 3_000;

/** The connection is closed after this time without a call. */
const IDLE_MS = 60_000;

export class RestingSession {
  readonly #engine: Engine;
  readonly #timers: Timers;
  #session: Session | undefined;
  #idle: unknown;
  #calls = 0;
  #isClosed = false;

  constructor(engine: Engine, timers: Timers = SYSTEM_TIMERS) {
    this.#engine = engine;
    this.#timers = timers;
  }

  async run<T>(signal: AbortSignal, use: (ask: Ask) => Promise<T>): Promise<T> {
    this.#timers.clear(this.#idle);
    this.#session ??= new Session(this.#engine);
    this.#calls++;
    try {
      return await this.#session.run(CALL_TIMEOUT_MS, signal, use);
    } finally {
      this.#calls--;
      if (this.#calls === 0 && !this.#isClosed) {
        this.#idle = this.#timers.set(() => this.#rest(), IDLE_MS);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timers.clear(this.#idle);
    await this.#session?.close();
  }

  #rest(): void {
    void this.#session?.close();
    this.#session = undefined;
  }
}
