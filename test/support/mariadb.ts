/**
 * A real MariaDB, as Debian has it, for tests: a server in a temporary directory, on a free port of loopback
 * and a unix socket, never the machine's own.
 */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { freePort } from "./port.ts";

const SERVER = "/usr/sbin/mariadbd";
const INSTALL = "/usr/bin/mariadb-install-db";
const CACHE = join(import.meta.dir, "../../node_modules/.cache/mariadb");
const START_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 50;

export const hasMariadb = existsSync(SERVER) && existsSync(INSTALL);

/** The superuser of each server here, over TCP. Over the unix socket it needs no password. */
export const ADMIN = { user: "admin", password: "admin-secret" } as const;

/** Speed before safety: nothing here outlives its test. */
const SETTINGS = [
  "--innodb-flush-log-at-trx-commit=0",
  "--innodb-flush-method=nosync",
  "--innodb-doublewrite=0",
  "--innodb-log-file-size=16M",
  "--innodb-buffer-pool-size=48M",
  "--bind-address=127.0.0.1",
  "--skip-name-resolve",
  "--performance-schema=off",
];

/** The server refuses to run as root by accident. */
const AS_ROOT = process.getuid?.() === 0 ? ["--user=root"] : [];

export interface MariadbOptions {
  /** A server that begins with all that another one has. The other one is started again for that. */
  readonly copyOf?: Mariadb;
  /** A server that follows another one, which has a binary log. */
  readonly primary?: Mariadb;
  /** PEM files of an authority, a certificate and its key, for TLS. */
  readonly tls?: { readonly authority: string; readonly certificate: string; readonly key: string };
  readonly settings?: readonly string[];
}

/** The number that each server of a replication needs. */
let servers = 0;

export class Mariadb {
  readonly port: number;
  readonly directory: string;
  readonly #settings: readonly string[];
  readonly #number = ++servers;
  #child: ReturnType<typeof Bun.spawn> | undefined;

  private constructor(directory: string, port: number, settings: readonly string[]) {
    this.directory = directory;
    this.port = port;
    this.#settings = settings;
  }

  /** Makes a server, starts it, and resolves when it answers. */
  static async start({ copyOf, primary, tls, settings = [] }: MariadbOptions = {}): Promise<Mariadb> {
    const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-mariadb-"));
    const secure = tls === undefined ? [] : tlsSettings(tls);
    const server = new Mariadb(directory, await freePort(), [...settings, ...secure]);
    try {
      await copyOf?.halt();
      await cp(copyOf === undefined ? await template() : copyOf.#data, server.#data, { recursive: true });
      await copyOf?.resume();
      await server.resume();
      if (primary !== undefined) await server.#follow(primary);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** The superuser over TCP, and a database. Only one call for each server. */
  async withDatabase(database: string): Promise<string> {
    await this.sql(
      `CREATE DATABASE ${database}; CREATE USER ${ADMIN.user} IDENTIFIED BY '${ADMIN.password}';
       GRANT ALL ON ${database}.* TO ${ADMIN.user}`,
    );
    return this.address(ADMIN, this.port, database);
  }

  get socket(): string {
    return join(this.directory, "socket");
  }

  /** The directory of its temporary tables. */
  get temporary(): string {
    return temporaryIn(this.directory);
  }

  /** The address of a database here, at this port or at that of something between. */
  address(
    { user, password }: { readonly user: string; readonly password: string },
    port = this.port,
    database = "suite",
  ): string {
    return `mariadb://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  }

  /**
   * Runs an operator's statements, and resolves with the rows of the last one, as `mariadb` prints them:
   * columns with `|` between them.
   */
  async sql(text: string, database?: string, login?: { user: string; password: string }): Promise<string> {
    const client = await this.client(database, login);
    try {
      const [found] = await client.query({ sql: text, rowsAsArray: true });
      const results = Array.isArray(found) ? (found as unknown[]) : [];
      const rows = Array.isArray(results.at(-1)) && Array.isArray((results.at(-1) as unknown[])[0]);
      const last = (rows ? results.at(-1) : results) as unknown[];
      return last
        .filter((row) => Array.isArray(row))
        .map((row) => (row as unknown[]).map(String).join("|"))
        .join("\n");
    } finally {
      await client.end();
    }
  }

  /** A connection of a test's own: as the superuser over the unix socket, or as this login over TCP. */
  async client(database?: string, login?: { user: string; password: string }): Promise<mysql.Connection> {
    const place =
      login === undefined
        ? { socketPath: this.socket, user: "root" }
        : { host: "127.0.0.1", port: this.port, ...login };
    const client = await mysql.createConnection({
      ...place,
      ...(database === undefined ? {} : { database }),
      ...{ charset: "utf8mb4_bin", multipleStatements: true, dateStrings: true, jsonStrings: true },
    });
    client.on("error", () => {});
    return client;
  }

  /** Starts it, or starts it again after `halt`. */
  async resume(): Promise<void> {
    mkdirSync(this.temporary, { recursive: true });
    const places = [`--datadir=${this.#data}`, `--tmpdir=${this.temporary}`, `--socket=${this.socket}`];
    const own = [...places, `--port=${this.port}`];
    const command = [SERVER, "--no-defaults", ...AS_ROOT, ...own, ...SETTINGS];
    const child = Bun.spawn([...command, `--server-id=${this.#number}`, ...this.#settings], {
      cwd: this.directory,
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(join(this.directory, "log")),
    });
    this.#child = child;
    const until = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#isAnswering())) {
      if (child.exitCode !== null || performance.now() > until)
        throw new Error(`MariaDB did not start: ${await this.log()}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /** Ends it, at first with all its connections; what it held is there after `resume`. */
  async halt(): Promise<void> {
    // It ends connections first, and then writes what it has in memory.
    this.#child?.kill("SIGTERM");
    await this.#child?.exited;
    this.#child = undefined;
  }

  log(): Promise<string> {
    return Bun.file(join(this.directory, "log")).text();
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.directory, "data");
  }

  async #follow(primary: Mariadb): Promise<void> {
    await this.sql(
      `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port}, MASTER_USER = '${ADMIN.user}',
         MASTER_PASSWORD = '${ADMIN.password}', MASTER_USE_GTID = slave_pos;
       START SLAVE`,
    );
  }

  async #isAnswering(): Promise<boolean> {
    try {
      await (await this.client()).end();
      return true;
    } catch {
      return false;
    }
  }
}

let made: Promise<string> | undefined;

/**
 * A directory of data without databases. Making one takes seconds, and a copy does not. It stays for later
 * runs and for the other test files, and no server ever runs on it.
 */
function template(): Promise<string> {
  made ??= keptTemplate();
  return made;
}

async function keptTemplate(): Promise<string> {
  const { size, mtimeMs } = statSync(SERVER);
  const kept = join(CACHE, [size, Math.floor(mtimeMs), process.getuid?.() ?? 0].join("-"));
  if (existsSync(kept)) return kept;
  mkdirSync(CACHE, { recursive: true });
  const own = mkdtempSync(join(CACHE, "unfinished-"));
  try {
    await makeTemplate(own);
    renameSync(join(own, "data"), kept);
  } catch (error) {
    // Another test file may have been faster.
    if (!existsSync(kept)) throw error;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  return kept;
}

async function makeTemplate(directory: string): Promise<void> {
  const data = join(directory, "data");
  const temporary = temporaryIn(directory);
  mkdirSync(temporary);
  const options = [`--datadir=${data}`, ...AS_ROOT, "--auth-root-authentication-method=normal"];
  const own = [...options, `--tmpdir=${temporary}`, "--skip-test-db"];
  const child = Bun.spawn([INSTALL, "--no-defaults", ...own, ...SETTINGS], {
    cwd: directory,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, problem] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`mariadb-install-db: ${output}${problem}`);
}

/**
 * The directory for the temporary tables of one server. No two servers may share it: a server that starts
 * removes all such files there, also those that another server still reads.
 */
function temporaryIn(directory: string): string {
  return join(directory, "temporary");
}

function tlsSettings(tls: NonNullable<MariadbOptions["tls"]>): string[] {
  return [`--ssl-ca=${tls.authority}`, `--ssl-cert=${tls.certificate}`, `--ssl-key=${tls.key}`];
}
