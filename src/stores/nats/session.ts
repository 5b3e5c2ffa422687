/**
 * The one connection of a store, for its requests and its watch. It is opened when it is first needed, and
 * another one takes its place when it has ended, or when its server will stop soon. The store asks the host
 * that answered last. If that one does not answer, or finds no leader, it asks the next.
 */

import { abandoned, pause, unlessAborted } from "../shared/abort.ts";
import type { Environment } from "../store.ts";
import { loginFor, type NatsPlace } from "./address.ts";
import type { NatsClient } from "./client.ts";
import { isLate, type NatsAnswer, NatsConnection } from "./connection.ts";
import { LeaderlessError, natsFault } from "./faults.ts";

/** All hosts together get so long. */
const OPEN_ALL_TIMEOUT_MS = 4_500;

/** A server that says that it will stop soon gets so long for the answers that it still owes. */
const RETIRE_MS = 2_000;

/** A request that may be repeated is sent this often, if its connection ends. */
const ATTEMPTS_MAX = 2;

/**
 * A request that may be repeated is sent again for so long, if the stream has no leader. The servers choose
 * one within seconds. The feed gives a read 5 s.
 */
const LEADER_WAIT_MS = 3_500;

export interface CallOptions {
  /** Whether it does no harm if NATS gets the request twice. */
  readonly isRepeatable?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export class Session {
  readonly #client: NatsClient;
  readonly #place: NatsPlace;
  readonly #environment: Environment;
  readonly #closing = new AbortController();
  #connection: Promise<NatsConnection> | undefined;
  /** Connections that may still be open. */
  readonly #open = new Set<NatsConnection>();
  /** The index of the host that is asked first. */
  #first = 0;

  constructor(client: NatsClient, place: NatsPlace, environment: Environment) {
    this.#client = client;
    this.#place = place;
    this.#environment = environment;
  }

  /** Sends a request that ends when `signal` aborts. Rejects with a `StoreError`. */
  async call(
    subject: string,
    payload: string,
    signal: AbortSignal,
    { headers = {}, isRepeatable = false, timeoutMs }: CallOptions = {},
  ): Promise<NatsAnswer> {
    const wanted = AbortSignal.any([signal, this.#closing.signal]);
    const leaderByMs = performance.now() + LEADER_WAIT_MS;
    for (let attempt = 1; ; ) {
      if (wanted.aborted) throw abandoned(wanted);
      let used: NatsConnection | undefined;
      const asked = async () => {
        used = await this.connected();
        return used.request(subject, payload, headers, timeoutMs);
      };
      try {
        return await unlessAborted(wanted, asked());
      } catch (error) {
        if (wanted.aborted) throw abandoned(wanted);
        const isLeaderless = error instanceof LeaderlessError;
        if (isLeaderless && isRepeatable && performance.now() < leaderByMs) continue;
        // This server may have lost the others.
        if (isLeaderless && isRepeatable) used?.abandon();
        // The server may have ended the connection before it saw the request. A silent one is left for another.
        const isLost = (used?.ended.aborted ?? false) && (!isLate(error) || this.#place.hosts.length > 1);
        if (isLeaderless || !isLost || !isRepeatable || attempt === ATTEMPTS_MAX) {
          throw natsFault(this.#place.shown, error);
        }
        attempt++;
      }
    }
  }

  /** The connection; a new one if there is none. Rejects with the error of the client or of NATS. */
  connected(): Promise<NatsConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const made = this.#dial();
    this.#connection = made;
    const forget = () => {
      if (this.#connection === made) this.#connection = undefined;
    };
    made.then(({ ended, retiring }) => {
      // If there is only one host, no other server can take over before this one is gone.
      const isAlone = this.#place.hosts.length === 1;
      for (const end of isAlone ? [ended] : [ended, retiring]) {
        if (end.aborted) forget();
        else end.addEventListener("abort", forget, { once: true });
      }
      if (!isAlone) retiring.addEventListener("abort", () => this.#closeSoon(made), { once: true });
    }, forget);
    return made;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.catch(() => {});
    for (const connection of this.#open) connection.close();
  }

  /** A server that will stop soon may still owe answers. */
  #closeSoon(made: Promise<NatsConnection>): void {
    void made.then(async (connection) => {
      await pause(RETIRE_MS, connection.ended);
      connection.close();
    });
  }

  async #dial(): Promise<NatsConnection> {
    const { hosts } = this.#place;
    const login = loginFor(this.#place, this.#environment);
    const inTime = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(OPEN_ALL_TIMEOUT_MS)]);
    let failure: unknown;
    for (let tried = 0; tried < hosts.length && !inTime.aborted; tried++) {
      const index = (this.#first + tried) % hosts.length;
      const host = hosts[index];
      if (host === undefined) break;
      try {
        const connection = await NatsConnection.open(this.#client, this.#place, host, login, inTime);
        this.#first = index;
        this.#open.add(connection);
        const forget = () => {
          this.#open.delete(connection);
          if (connection.isAvoided) this.#first = (index + 1) % hosts.length;
        };
        if (connection.ended.aborted) forget();
        else connection.ended.addEventListener("abort", forget, { once: true });
        return connection;
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? inTime.reason;
  }
}
