/**
 * Rollouts in a table of MariaDB, which operators change with `set` or by hand:
 *
 *     UPDATE maxwells_daemon SET rollout = 0.05 WHERE application = 'website' AND version = 'canary';
 *
 * Triggers of the table count each change and keep a history (`mariadb/schema.ts`). A snapshot is one query.
 * One connection reads and writes. If there is a watch, a second one looks for changes
 * (`mariadb/changes.ts`). During a release a third one has its evidence (`mariadb/evidence.ts`).
 */

import type { Evidence } from "./evidence.ts";
import { type MariadbAddress, parseMariadbAddress } from "./mariadb/address.ts";
import { Changes } from "./mariadb/changes.ts";
import { type Driver, engineOf, type MariadbOptions } from "./mariadb/client.ts";
import { MariadbEvidence } from "./mariadb/evidence.ts";
import { writeFault } from "./mariadb/faults.ts";
import { MariadbMany } from "./mariadb/many.ts";
import {
  deleteRecord,
  insertRecord,
  readApplications,
  readClock,
  readHistory,
  readRecord,
  readSnapshot,
  updateRecord,
} from "./mariadb/records.ts";
import { makeTable } from "./mariadb/schema.ts";
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

/** The server ends a statement after this, because its caller no longer waits. */
const STATEMENT_TIMEOUT_MS = 1_500;

export const mariadb: StoreKind = kindOf("mariadb", "a table of MariaDB, noticed when it changes");

/** Many programs write MariaDB's addresses so. */
export const mysql: StoreKind = kindOf("mysql", "the same as mariadb; MySQL itself does not work");

function kindOf(scheme: string, summary: string): StoreKind {
  return {
    name: scheme,
    usage: `${scheme}://HOST/DATABASE`,
    summary,
    keepsHistory: true,

    check(location) {
      const address = parseMariadbAddress(scheme, location);
      return typeof address === "string" ? address : undefined;
    },

    async open(context: StoreContext): Promise<Store> {
      const address = parseMariadbAddress(scheme, context.location);
      if (typeof address === "string") throw new TypeError(address);
      const { default: driver } = await import("mysql2");
      return new MariadbStore(driver, address, context);
    },
  };
}

class MariadbStore implements Store {
  readonly address: string;
  readonly #session: Session;
  readonly #changes: Changes;
  readonly #evidence: MariadbEvidence;
  readonly #many = new MariadbMany();

  constructor(driver: Driver, address: MariadbAddress, context: StoreContext) {
    this.address = address.shown;
    const options: MariadbOptions = {
      driver,
      address,
      environment: context.environment,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    };
    this.#session = new Session(engineOf(options));
    this.#changes = new Changes(options, context.warn.bind(context));
    this.#evidence = new MariadbEvidence(options);
  }

  get evidence(): Evidence {
    return this.#evidence;
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    if (!application.isWellFormed()) return new Map();
    return this.#session.run(READ_TIMEOUT_MS, signal, (ask) => readSnapshot(ask, application));
  }

  async readMany(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    const names = applications.filter((application) => application.isWellFormed());
    const read = await this.#many.read(names, (use) => this.#session.run(READ_TIMEOUT_MS, signal, use));
    return { get: (application) => (application.isWellFormed() ? read.get(application) : NONE) };
  }

  watch(application: string, changed: () => void): () => void {
    return this.#changes.add(application, changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    if (!application.isWellFormed() || !version.isWellFormed()) {
      throw new StoreError("refused", "MariaDB cannot store such a name; remove incomplete characters");
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
      // Outside of the transaction, because it must see the rows that the other one has written.
      return { ok: false, current: await readRecord(ask, application, version) };
    });
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    if (!application.isWellFormed() || !version.isWellFormed()) return { ok: false, current: undefined };
    return this.#session.run(WRITE_TIMEOUT_MS, signal, async (ask) => {
      if (await deleteRecord(ask, application, version, expected)) return { ok: true };
      return { ok: false, current: await readRecord(ask, application, version) };
    });
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    return this.#session.run(WRITE_TIMEOUT_MS, signal, readApplications);
  }

  async history(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]> {
    if (!application.isWellFormed()) return [];
    return this.#session.run(WRITE_TIMEOUT_MS, signal, (ask) => readHistory(ask, application, limit));
  }

  async clock(signal: AbortSignal): Promise<number> {
    return this.#session.run(READ_TIMEOUT_MS, signal, readClock);
  }

  async init(signal: AbortSignal): Promise<string> {
    return this.#session.run(INIT_TIMEOUT_MS, signal, makeTable);
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.#changes.close(), this.#evidence.close()]);
  }
}

/** The snapshot of an application whose name MariaDB cannot store. */
const NONE: Snapshot = new Map();
