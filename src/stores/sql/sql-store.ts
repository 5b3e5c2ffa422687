/**
 * A store in a table of an SQL database. PostgreSQL and MariaDB have the same columns, and differ in the text
 * of their statements, in the way that changes are noticed, and in the names that they can store.
 */

import type { Evidence } from "../evidence.ts";
import {
  type PastRecord,
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  StoreError,
  type StoreRecord,
  type Written,
} from "../store.ts";
import type { Ask, Session } from "./session.ts";

/** From the request to the last row, including the connection and the login. */
const READ_TIMEOUT_MS = 1_500;

/** The limit for commands, because an operator waits. */
const WRITE_TIMEOUT_MS = 3_000;
const INIT_TIMEOUT_MS = 9_000;

/** The server ends a statement after this, because its caller no longer waits. */
export const STATEMENT_TIMEOUT_MS = 1_500;

/** The statements of a kind of database. A refused write resolves with undefined or false. */
export interface Statements {
  readSnapshot(ask: Ask, application: string): Promise<Snapshot>;
  readRecord(ask: Ask, application: string, version: string): Promise<StoreRecord | undefined>;
  insertRecord(
    ask: Ask,
    application: string,
    version: string,
    fields: RecordFields,
  ): Promise<string | undefined>;
  updateRecord(
    ask: Ask,
    application: string,
    version: string,
    fields: RecordFields,
    expected: string,
  ): Promise<string | undefined>;
  deleteRecord(ask: Ask, application: string, version: string, expected: string): Promise<boolean>;
  readHistory(ask: Ask, application: string, limit: number): Promise<readonly PastRecord[]>;
  readClock(ask: Ask): Promise<number>;
}

export interface SqlStoreOptions {
  readonly address: string;
  readonly session: Session;
  readonly statements: Statements;
  readonly makeTable: (ask: Ask) => Promise<string>;
  readonly many: {
    read(
      applications: readonly string[],
      run: <T>(use: (ask: Ask) => Promise<T>) => Promise<T>,
    ): Promise<Snapshots>;
  };
  readonly changes: { add(application: string, changed: () => void): () => void; close(): Promise<void> };
  readonly evidence: Evidence & { close(): Promise<void> };
  /** Whether the database can store the name unchanged. */
  readonly isName: (name: string) => boolean;
  /** The error of a write whose name it cannot store. */
  readonly nameRefusal: string;
  readonly writeFault: (shown: string, error: unknown) => StoreError;
}

/** The snapshot of an application whose name the database cannot store. */
const NONE: Snapshot = new Map();

export class SqlStore implements Store {
  readonly address: string;
  readonly evidence: Evidence;
  readonly #options: SqlStoreOptions;
  readonly #session: Session;
  readonly #statements: Statements;

  constructor(options: SqlStoreOptions) {
    this.#options = options;
    this.address = options.address;
    this.evidence = options.evidence;
    this.#session = options.session;
    this.#statements = options.statements;
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    if (!this.#options.isName(application)) return NONE;
    return this.#session.run(READ_TIMEOUT_MS, signal, (ask) =>
      this.#statements.readSnapshot(ask, application),
    );
  }

  async readMany(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    const { isName, many } = this.#options;
    const read = await many.read(applications.filter(isName), (use) =>
      this.#session.run(READ_TIMEOUT_MS, signal, use),
    );
    return { get: (application) => (isName(application) ? read.get(application) : NONE) };
  }

  watch(application: string, changed: () => void): () => void {
    return this.#options.changes.add(application, changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    const { isName, nameRefusal, writeFault } = this.#options;
    if (!isName(application) || !isName(version)) throw new StoreError("refused", nameRefusal);
    const { insertRecord, updateRecord, readRecord } = this.#statements;
    return this.#session.run(WRITE_TIMEOUT_MS, signal, async (ask) => {
      let revision: string | undefined;
      try {
        if (expected === null) revision = await insertRecord(ask, application, version, fields);
        else revision = await updateRecord(ask, application, version, fields, expected);
      } catch (error) {
        throw writeFault(this.address, error);
      }
      if (revision !== undefined) return { ok: true, revision };
      // Outside of the write, because it must see the rows that the other writer has written.
      return { ok: false, current: await readRecord(ask, application, version) };
    });
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    const { isName } = this.#options;
    if (!isName(application) || !isName(version)) return { ok: false, current: undefined };
    const { deleteRecord, readRecord } = this.#statements;
    return this.#session.run(WRITE_TIMEOUT_MS, signal, async (ask) => {
      if (await deleteRecord(ask, application, version, expected)) return { ok: true };
      return { ok: false, current: await readRecord(ask, application, version) };
    });
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    return this.#session.run(WRITE_TIMEOUT_MS, signal, readApplications);
  }

  async history(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]> {
    if (!this.#options.isName(application)) return [];
    return this.#session.run(WRITE_TIMEOUT_MS, signal, (ask) =>
      this.#statements.readHistory(ask, application, limit),
    );
  }

  async clock(signal: AbortSignal): Promise<number> {
    return this.#session.run(READ_TIMEOUT_MS, signal, this.#statements.readClock);
  }

  async init(signal: AbortSignal): Promise<string> {
    return this.#session.run(INIT_TIMEOUT_MS, signal, this.#options.makeTable);
  }

  async close(): Promise<void> {
    const { changes, evidence } = this.#options;
    await Promise.all([this.#session.close(), changes.close(), evidence.close()]);
  }
}

async function readApplications(ask: Ask): Promise<readonly string[]> {
  const rows = await ask("SELECT DISTINCT application FROM maxwells_daemon");
  return rows.map(({ application }) => String(application));
}
