/**
 * The one connection over which a store reads and writes. It is opened when it is first needed, opened again
 * after it was lost, and used by one caller at a time. Nothing is retried here: the feed reads again by
 * itself, and only the operator knows whether to repeat a write whose answer was lost.
 */

import { abandoned, unlessAborted } from "../shared/abort.ts";
import { StoreError } from "../store.ts";
import { timeoutFault } from "./faults.ts";
import type { Row } from "./rows.ts";

/** At most this many callers wait for their turn. Each of them has a time limit too. */
const CALLERS_MAX = 1_024;

/**
 * The longest life of a connection. After a fail-over the name may lead to another server while the old one
 * still runs; the next connection finds the new one.
 */
const CONNECTION_AGE_MS_MAX = 300_000;

/** Runs statements on a connection that no other caller uses meanwhile. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export interface Connection {
  /** When the connection was made, on the monotonic clock. */
  readonly madeAtMs: number;
  readonly isGone: boolean;
  /** If `signal` aborts, the statement and the connection end. */
  query(text: string, values: readonly unknown[], signal: AbortSignal): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** How a kind of database is reached, and what its errors mean. */
export interface Engine {
  /** Its address for people, without secrets. */
  readonly shown: string;
  open(signal: AbortSignal): Promise<Connection>;
  fault(error: unknown): StoreError;
}

export class Session {
  readonly #engine: Engine;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;
  #callers = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Calls `use` when it is its turn. Everything, including waiting and connecting, ends when `signal` aborts
   * or after `timeoutMs`. Rejects with a `StoreError`.
   */
  async run<T>(timeoutMs: number, signal: AbortSignal, use: (ask: Ask) => Promise<T>): Promise<T> {
    const { shown } = this.#engine;
    if (this.#callers >= CALLERS_MAX) {
      throw new StoreError(
        "unavailable",
        `${this.#callers} calls wait for ${shown}; serve fewer applications`,
      );
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    const inTime = AbortSignal.any([signal, this.#closing.signal, timeout]);
    const turn = this.#turn;
    this.#callers++;
    const work = (async () => {
      await turn;
      if (inTime.aborted) throw abandoned(inTime);
      const connection = await this.#connected(inTime);
      return use((text, values = []) => connection.query(text, values, inTime));
    })();
    this.#turn = work.then(
      () => this.#callers--,
      () => this.#callers--,
    );
    try {
      return await unlessAborted(inTime, work);
    } catch (error) {
      if (!inTime.aborted) throw this.#engine.fault(error);
      throw timeout.aborted && !signal.aborted ? timeoutFault(shown, timeoutMs) : abandoned(inTime);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#turn;
    await this.#connection?.close();
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    const isOld = performance.now() - (this.#connection?.madeAtMs ?? 0) > CONNECTION_AGE_MS_MAX;
    if (this.#connection !== undefined && isOld) void this.#connection.close();
    if (this.#connection === undefined || isOld || this.#connection.isGone) {
      this.#connection = await this.#engine.open(signal);
    }
    return this.#connection;
  }
}
