/**
 * One connection to PostgreSQL, with three features that the driver does not have. Connecting and each query
 * have a time limit; then the connection is closed, because it could still bring the late answer. Answers
 * have a limit of bytes. Errors of the parser end the connection, and not the process.
 */

import type { Client } from "pg";
import { unlessAborted } from "../shared/abort.ts";
import type { Row } from "../sql/rows.ts";
import type { Engine, Connection as SqlConnection } from "../sql/session.ts";
import { tlsOf } from "../sql/tls.ts";
import type { Environment } from "../store.ts";
import { type PostgresAddress, passwordOf, userOf } from "./address.ts";
import { postgresFault, stateOf } from "./faults.ts";
import { type Driver, Guard } from "./guard.ts";

/** `close` waits this long for the server's goodbye. */
const GOODBYE_MS = 200;

/** The answer of a pooler to a startup parameter that it cannot pass on (protocol_violation). */
const UNKNOWN_PARAMETER = "08P01";

export interface PostgresOptions {
  readonly driver: Driver;
  readonly address: PostgresAddress;
  /** For `PGUSER` and `PGPASSWORD`. */
  readonly environment: Environment;
  /** The server cancels a statement after this, so that statements without a caller do not pile up there. */
  readonly statementTimeoutMs: number;
  /** Called if the server's limit cannot be set, for example behind PgBouncer. */
  readonly onNoStatementTimeout: () => void;
}

export class PostgresClient implements SqlConnection {
  readonly madeAtMs = performance.now();
  readonly #client: Client;
  readonly #guard: Guard;
  #isGone = false;

  private constructor(client: Client, guard: Guard) {
    this.#client = client;
    this.#guard = guard;
    client.on("error", () => this.destroy());
    client.on("end", () => {
      this.#isGone = true;
    });
  }

  /**
   * Connects and logs in. Rejects with the error of the driver, the server or the network, or when `signal`
   * aborts.
   */
  static async open(options: PostgresOptions, signal: AbortSignal): Promise<PostgresClient> {
    try {
      return await connect(
        options,
        options.statementTimeoutMs,
        signal,
        (...made) => new PostgresClient(...made),
      );
    } catch (error) {
      if (stateOf(error) !== UNKNOWN_PARAMETER) throw error;
      options.onNoStatementTimeout();
      return connect(options, 0, signal, (...made) => new PostgresClient(...made));
    }
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** The id of the server process behind this connection, or the number that a pooler sends instead. */
  get processId(): number {
    // `pg` has this field, and its types leave it out.
    return (this.#client as unknown as { readonly processID: number }).processID;
  }

  /**
   * Runs one statement with an unnamed plan, so that a pooler may send the next one to another server. If
   * `signal` aborts, the statement and the connection end.
   */
  async query(text: string, values: readonly unknown[], signal: AbortSignal): Promise<readonly Row[]> {
    this.#guard.bytes = 0;
    try {
      const { rows } = await unlessAborted(signal, this.#client.query<Row>(text, [...values]));
      return rows;
    } catch (error) {
      if (stateOf(error) === undefined || signal.aborted) this.destroy();
      throw this.#guard.fault ?? error;
    }
  }

  /** Calls `heard` with the payload of each notification. */
  onNotification(heard: (payload: string) => void): void {
    this.#client.on("notification", ({ payload }) => heard(payload ?? ""));
  }

  /** Calls `gone` once, when the connection has ended for any reason. */
  onGone(gone: () => void): void {
    this.#client.once("end", gone);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#isGone = true;
    this.#guard.destroy();
  }

  /** Says goodbye, within `GOODBYE_MS`, and ends the connection. */
  async close(): Promise<void> {
    this.#isGone = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS);
    });
    await Promise.race([this.#client.end().catch(() => {}), late]);
    clearTimeout(timer);
    this.destroy();
  }
}

/** How a session reaches a database, and what its errors mean. */
export function engineOf(options: PostgresOptions): Engine {
  const { shown } = options.address;
  return {
    shown,
    open: (signal) => PostgresClient.open(options, signal),
    fault: (error) => postgresFault(shown, error),
  };
}

async function connect(
  { driver, address, environment }: PostgresOptions,
  statementTimeoutMs: number,
  signal: AbortSignal,
  made: (client: Client, guard: Guard) => PostgresClient,
): Promise<PostgresClient> {
  const ssl = await unlessAborted(signal, tlsOf(address, "sslrootcert, sslcert and sslkey"));
  signal.throwIfAborted();
  const guard = new Guard();
  const client = new driver.Client({
    host: address.host,
    port: address.port,
    database: address.database,
    user: userOf(address, environment),
    // It is a function, because otherwise the driver would look for further passwords by itself.
    password: () => passwordOf(address, environment),
    application_name: "maxwells-daemon",
    statement_timeout: statementTimeoutMs,
    connection: guard.connection(driver, ssl),
    ssl,
  } as ConstructorParameters<Driver["Client"]>[0]);
  const opened = made(client, guard);
  try {
    await unlessAborted(signal, client.connect());
    return opened;
  } catch (error) {
    opened.destroy();
    throw guard.fault ?? error;
  }
}
