/**
 * One connection to MariaDB, with three features that the driver does not have. Connecting and each query
 * have a time limit; then the connection is closed, because it could still bring the late answer. Answers
 * have a limit of bytes. Errors of the parser end the connection, and not the process.
 */

import { isIP } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import type mysql from "mysql2";
import type { Connection as DriverConnection } from "mysql2";
import { unlessAborted } from "../shared/abort.ts";
import type { Row } from "../sql/rows.ts";
import type { Connection, Engine } from "../sql/session.ts";
import { type TlsOptions, tlsOf } from "../sql/tls.ts";
import type { Environment } from "../store.ts";
import { type MariadbAddress, passwordOf, TLS_PARAMETERS, userOf } from "./address.ts";
import { endsConnection, mariadbFault } from "./faults.ts";
import { Guard, type OpenConnection } from "./guard.ts";
import { ROLLBACK } from "./transaction.ts";

/** `close` waits this long for the end of the connection. */
const GOODBYE_MS = 200;

/** The highest limit of rows that MariaDB has. */
const ALL_ROWS = "18446744073709551615";

/**
 * The server ends a transaction whose client says nothing for this long. A machine that lost its network in
 * the middle of a write would stop all other writers for hours, because each write holds the count.
 */
const SILENCE_S = 3;

/** More statements than this program has. */
const STATEMENTS_MAX = 64;

export type Driver = Pick<typeof mysql, "createConnection">;

export interface MariadbOptions {
  readonly driver: Driver;
  readonly address: MariadbAddress;
  /** For `MYSQL_PWD`. */
  readonly environment: Environment;
  /** The server ends a statement after this, so that statements without a caller do not pile up there. */
  readonly statementTimeoutMs: number;
}

export class MariadbClient implements Connection {
  readonly madeAtMs = performance.now();
  readonly #client: DriverConnection;
  readonly #guard: Guard;
  #isGone = false;

  private constructor(client: DriverConnection, guard: Guard) {
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
  static async open(options: MariadbOptions, signal: AbortSignal): Promise<MariadbClient> {
    const { driver, address, environment } = options;
    const tls = await unlessAborted(signal, tlsOf(address, TLS_PARAMETERS));
    const client = driver.createConnection({
      ...(address.host.startsWith("/")
        ? { socketPath: address.host }
        : { host: address.host, port: address.port }),
      user: userOf(address),
      password: passwordOf(address, environment),
      database: address.database,
      charset: "utf8mb4_bin",
      // The server must not ask this program for a file.
      flags: ["-LOCAL_FILES"],
      connectAttributes: { program_name: "maxwells-daemon" },
      // Time is limited by signals.
      connectTimeout: 0,
      maxPreparedStatements: STATEMENTS_MAX,
      ...{ supportBigNumbers: true, bigNumberStrings: true, jsonStrings: true, disableEval: true },
      ...(tls === false ? {} : { ssl: {} }),
    });
    // The driver's types leave out the parts that the guard and TLS need; tests with a server find a change.
    const open = client as unknown as OpenConnection;
    const guard = new Guard(open);
    if (tls !== false) useTls(open, guard, address, tls);
    const opened = new MariadbClient(client, guard);
    try {
      await unlessAborted(signal, connected(client));
      for (const statement of settings(options)) await opened.query(statement, [], signal);
      return opened;
    } catch (error) {
      opened.destroy();
      throw guard.fault ?? error;
    }
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Runs one statement. With values it is prepared, so that no value is ever part of a statement's text. A
   * statement that changes rows answers with one row that has `affected`, the number of rows that it found.
   */
  async query(text: string, values: readonly unknown[], signal: AbortSignal): Promise<readonly Row[]> {
    this.#guard.bytes = 0;
    try {
      return await unlessAborted(signal, this.#ask(text, values));
    } catch (error) {
      // The next transaction on this connection would commit the rest of this one.
      const staysOpen = text === ROLLBACK;
      if (staysOpen || endsConnection(error) || signal.aborted) this.destroy();
      throw this.#guard.fault ?? error;
    }
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
    const ended = new Promise<void>((resolve) => this.#client.end(() => resolve()));
    await Promise.race([ended, late]);
    clearTimeout(timer);
    this.destroy();
  }

  #ask(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, result: unknown) => {
        if (error === null) resolve(rowsOf(result));
        else reject(error);
      };
      if (values.length === 0) this.#client.query(text, done);
      // The driver's type of a value has no `unknown`; this program passes texts, numbers and null.
      else this.#client.execute(text, values as never[], done);
    });
  }
}

/** How a session reaches a database, and what its errors mean. */
export function engineOf(options: MariadbOptions): Engine {
  const { shown } = options.address;
  return {
    shown,
    open: (signal) => MariadbClient.open(options, signal),
    fault: (error) => mariadbFault(shown, error),
  };
}

/**
 * The state of a session does not depend on the settings of the server or of the user. A value that does not
 * fit is an error. Times are UTC. A lock or a statement that takes too long ends. A read has all rows, and
 * none of a transaction that may still be taken back.
 */
function settings({ statementTimeoutMs }: MariadbOptions): readonly string[] {
  return [
    `SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', autocommit = 1,
      character_set_client = utf8mb4, character_set_results = utf8mb4, collation_connection = utf8mb4_bin,
      sql_select_limit = ${ALL_ROWS}, sql_big_selects = 1,
      max_statement_time = ${statementTimeoutMs / 1000}, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1,
      idle_transaction_timeout = ${SILENCE_S}`,
    // The variable for it has another name in later versions.
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
  ];
}

function connected(client: DriverConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
  });
}

/** A `CALL` answers with a list of results. This program's procedures return no rows. */
function rowsOf(result: unknown): readonly Row[] {
  if (Array.isArray(result)) return result as readonly Row[];
  const { affectedRows } = (result ?? {}) as { readonly affectedRows?: unknown };
  return [{ affected: Number(affectedRows ?? 0) }];
}

/**
 * The driver's own TLS checks a certificate for an IP address against the name `localhost`, and hides the
 * reason of a failure.
 */
function useTls(
  open: OpenConnection,
  guard: Guard,
  { host, sslMode }: MariadbAddress,
  tls: TlsOptions,
): void {
  open.startTLS = (secured) => {
    const { stream } = open;
    stream.removeAllListeners("data");
    let isSecured = false;
    const secure = connectTls({
      ...tls,
      // It is the socket of the connection, of which `OpenConnection` names only what the guard uses.
      socket: stream as never,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(sslMode === "verify-full"
        ? { checkServerIdentity: (_: string, certificate) => checkServerIdentity(host, certificate) }
        : {}),
    });
    secure.on("secureConnect", () => {
      isSecured = true;
      secured();
    });
    secure.on("error", (error: Error & { readonly code?: unknown }) => {
      // The driver changes the code of an error that it is given.
      guard.fault ??= Object.assign(new Error(error.message), { code: error.code });
      if (isSecured) guard.destroy();
      else secured(error);
    });
    secure.on("close", () => guard.destroy());
    secure.on("data", (bytes: Buffer) => open.packetParser.execute(bytes));
    guard.secure = secure;
    open.stream = secure;
  };
}
