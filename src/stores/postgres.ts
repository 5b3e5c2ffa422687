/**
 * Rollouts in a table of PostgreSQL, which operators change with `set` or by hand:
 *
 *     UPDATE maxwells_daemon SET rollout = 0.05 WHERE application = 'website' AND version = 'canary';
 *
 * Triggers of the table count each change, notify the daemons, and keep a history (`postgres/schema.ts`). A
 * snapshot is one query. One connection reads and writes. If there is a watch, a second one listens. During a
 * release a third one has its evidence (`postgres/evidence.ts`).
 */

import type { Evidence } from "./evidence.ts";
import { type PostgresAddress, parsePostgresAddress } from "./postgres/address.ts";
import { type Driver, engineOf, type PostgresOptions } from "./postgres/client.ts";
import { PostgresEvidence } from "./postgres/evidence.ts";
import { writeFault } from "./postgres/faults.ts";
import { Listener } from "./postgres/listener.ts";
import { manyOfPostgres } from "./postgres/many.ts";
import {
  deleteRecord,
  insertRecord,
  readApplications,
  readClock,
  readHistory,
  readRecord,
  readSnapshot,
  updateRecord,
} from "./postgres/records.ts";
import { makeTable } from "./postgres/schema.ts";
import { Session } from "./sql/session.ts";
import {
  type PastRecord,
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  type StoreContext,
  StoreError,
  type StoreKind,
  type Written,
} from "./store.ts";

/** From the request to the last row, including the connection and the login. */
const READ_TIMEOUT_MS = 1_500;

/** The limit for commands, because an operator waits. */
const WRITE_TIMEOUT_MS = 3_000;
const INIT_TIMEOUT_MS = 9_000;

/** The server cancels a statement after this, because its caller no longer waits. */
const STATEMENT_TIMEOUT_MS = 1_500;

export const postgres: StoreKind = {
  name: "postgres",
  usage: "postgres://HOST/DATABASE",
  summary: "a table of PostgreSQL, noticed when it changes",
  keepsHistory: true,

  check(location) {
    const address = parsePostgresAddress(location);
    return typeof address === "string" ? address : undefined;
  },

  async open(context: StoreContext): Promise<Store> {
    const address = parsePostgresAddress(context.location);
    if (typeof address === "string") throw new TypeError(address);
    const { default: driver } = await import("pg");
    return new PostgresStore(driver, address, context);
  },
};

class PostgresStore implements Store {
  readonly address: string;
  readonly #session: Session;
  readonly #listener: Listener;
  readonly #evidence: PostgresEvidence;
  readonly #many = manyOfPostgres();

  constructor(driver: Driver, address: PostgresAddress, context: StoreContext) {
    const warn = context.warn.bind(context);
    this.address = address.shown;
    let isWarned = false;
    const options: PostgresOptions = {
      driver,
      address,
      environment: context.environment,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      onNoStatementTimeout() {
        if (isWarned) return;
        isWarned = true;
        const remedy = `ALTER ROLE … SET statement_timeout = '${STATEMENT_TIMEOUT_MS}ms'`;
        warn(
          `${address.shown}: the pooler does not pass statement_timeout on; set it in the server: ${remedy}`,
        );
      },
    };
    this.#session = new Session(engineOf(options));
    this.#listener = new Listener(options, warn);
    this.#evidence = new PostgresEvidence(options);
  }

  get evidence(): Evidence {
    return this.#evidence;
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    if (!isText(application)) return new Map();
    return this.#session.run(READ_TIMEOUT_MS, signal, (ask) => readSnapshot(ask, application));
  }

  async readMany(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    const read = await this.#many.read(applications.filter(isText), (use) =>
      this.#session.run(READ_TIMEOUT_MS, signal, use),
    );
    return { get: (application) => (isText(application) ? read.get(application) : NONE) };
  }

  watch(application: string, changed: () => void): () => void {
    return this.#listener.add(application, changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    if (!isText(application) || !isText(version)) {
      throw new StoreError(
        "refused",
        "PostgreSQL cannot store such a name; remove NUL and incomplete characters",
      );
    }
    return this.#session.run(WRITE_TIMEOUT_MS, signal, async (ask) => {
      let revision: string | undefined;
      try {
        if (expected === null) revision = await insertRecord(ask, application, version, fields);
        else revision = await updateRecord(ask, application, version, fields, expected);
      } catch (error) {
        throw writeFault(this.address, error);
      }
      if (revision !== undefined) return { ok: true, revision };
      // A separate statement, because it must see the rows that the other one has written.
      return { ok: false, current: await readRecord(ask, application, version) };
    });
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    if (!isText(application) || !isText(version)) return { ok: false, current: undefined };
    return this.#session.run(WRITE_TIMEOUT_MS, signal, async (ask) => {
      if (await deleteRecord(ask, application, version, expected)) return { ok: true };
      return { ok: false, current: await readRecord(ask, application, version) };
    });
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    return this.#session.run(WRITE_TIMEOUT_MS, signal, readApplications);
  }

  async history(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]> {
    if (!isText(application)) return [];
    return this.#session.run(WRITE_TIMEOUT_MS, signal, (ask) => readHistory(ask, application, limit));
  }

  async clock(signal: AbortSignal): Promise<number> {
    return this.#session.run(READ_TIMEOUT_MS, signal, readClock);
  }

  async init(signal: AbortSignal): Promise<string> {
    return this.#session.run(INIT_TIMEOUT_MS, signal, makeTable);
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.#listener.close(), this.#evidence.close()]);
  }
}

/** The snapshot of an application whose name PostgreSQL cannot store. */
const NONE: Snapshot = new Map();

/** Whether PostgreSQL can store the text unchanged. */
function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
