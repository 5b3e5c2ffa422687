/** A MariaDB for one test file, behind a faulty network, with the users and rights of its page. */

import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { join } from "node:path";
import { openStore } from "../../../src/stores/list.ts";
import type { Store } from "../../../src/stores/store.ts";
import { ADMIN, hasMariadb, Mariadb } from "../../support/mariadb.ts";
import { soon } from "../../support/store-calls.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";

const ROOT = join(import.meta.dir, "../../..");

export const READER = { user: "maxwells_daemon", password: "reader-secret/@" } as const;
export const OPERATOR = { user: "ada", password: "operator-secret" } as const;
export const CONTROLLER = { user: "maxwells_daemon_controller", password: "controller-secret" } as const;
const USERS = [READER, OPERATOR, CONTROLLER];

export class World {
  /** The warnings of the stores of `openAt` in this test. */
  readonly warnings: string[] = [];
  readonly #opened: Store[] = [];
  #engine: Mariadb | undefined;
  #faults: TcpFaults | undefined;
  #databases = 0;

  get engine(): Mariadb {
    if (this.#engine === undefined) throw new Error("MariaDB has not started");
    return this.#engine;
  }

  /** The network between the stores and the server. */
  get faults(): TcpFaults {
    if (this.#faults === undefined) throw new Error("MariaDB has not started");
    return this.#faults;
  }

  /** The database `suite` has the table. */
  async start(): Promise<void> {
    this.#engine = await Mariadb.start();
    this.#faults = await TcpFaults.start({ host: "127.0.0.1", port: this.engine.port });
    await this.engine.sql(`CREATE DATABASE suite; CREATE USER admin IDENTIFIED BY '${ADMIN.password}'`);
    await this.#initialise("suite");
  }

  async clear(): Promise<void> {
    await this.#faults?.enter("pass");
    for (const store of this.#opened.splice(0)) await store.close();
    this.warnings.length = 0;
  }

  async stop(): Promise<void> {
    await this.#faults?.stop();
    await this.#engine?.stop();
  }

  async openAt(address: string): Promise<Store> {
    const store = await openStore(address, {
      table: "",
      region: "",
      environment: {},
      warn: (message) => this.warnings.push(message),
    });
    this.#opened.push(store);
    return store;
  }

  /** A database of its own, with the table. */
  async freshDatabase(): Promise<string> {
    const name = `fresh${++this.#databases}`;
    await this.engine.sql(`CREATE DATABASE ${name}`);
    await this.#initialise(name);
    return name;
  }

  /** Makes the table as the administrator, and the users and rights as the page has them. */
  async #initialise(database: string): Promise<void> {
    await this.engine.sql(`GRANT ALL ON ${database}.* TO admin`);
    const store = await this.openAt(this.engine.address(ADMIN, this.engine.port, database));
    await store.init?.(soon());
    await store.close();
    await this.engine.sql(await pageSql(database), database);
  }
}

/** A world that starts before all tests of the file, and ends after them. */
export function useMariadb(): World {
  const world = new World();
  beforeAll(async () => {
    if (hasMariadb) await world.start();
  }, 60_000);
  afterEach(() => world.clear());
  afterAll(() => world.stop());
  return world;
}

export function pageOfMariadb(): Promise<string> {
  return Bun.file(join(ROOT, "docs/stores/mariadb.md")).text();
}

/** The permissions of the page. Users belong to the whole server, so they are made once. */
async function pageSql(database: string): Promise<string> {
  const [, sql = ""] = /```sql\n(CREATE USER[\s\S]*?)```/.exec(await pageOfMariadb()) ?? [];
  const filled = USERS.reduce((text, { user, password }) => {
    const place = `CREATE USER ${user} IDENTIFIED BY '`;
    expect(text).toContain(`${place}CHANGE'`);
    return text.replace(`${place}CHANGE'`, `${place}${password}'`);
  }, sql);
  return database === "suite" ? filled : filled.replace(/^CREATE (USER|ROLE).*$/gm, "");
}
