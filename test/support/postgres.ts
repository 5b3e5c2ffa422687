/**
 * A real PostgreSQL, as Debian has it, for tests: a server in a temporary directory, on a free port of
 * loopback and a unix socket, never the machine's own. As root it runs as the user `postgres`, since the
 * server refuses to run as root.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { appendFile, chmod, chown, copyFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "./port.ts";

const PROGRAMS = "/usr/lib/postgresql/15/bin";
const START_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 50;

export const hasPostgres = existsSync(join(PROGRAMS, "postgres"));

/** The superuser of each server here. */
export const ADMIN = { user: "postgres", password: "admin-secret" } as const;

/** Speed before safety: nothing here outlives its test. */
const SETTINGS = [
  "fsync = off",
  "full_page_writes = off",
  "shared_buffers = 16MB",
  "listen_addresses = '127.0.0.1'",
  "password_encryption = scram-sha-256",
  "wal_level = replica",
];

/** Everybody needs a password over TCP; the unix socket is for the tests. */
const ACCESS = [
  "local all all trust",
  "host all all 127.0.0.1/32 scram-sha-256",
  "host replication all 127.0.0.1/32 scram-sha-256",
];

export interface PostgresOptions {
  /** A server that follows another one, and starts from a copy of it. */
  readonly primary?: Postgres;
  /** PEM files of a certificate and its key, for TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The number of connections that it accepts; 60 by default. */
  readonly connectionsMax?: number;
}

export class Postgres {
  readonly port: number;
  readonly directory: string;
  #child: ReturnType<typeof Bun.spawn> | undefined;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
  }

  /** Makes a server, starts it, and resolves when it answers. */
  static async start({ primary, tls, connectionsMax = 60 }: PostgresOptions = {}): Promise<Postgres> {
    const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-postgres-"));
    const server = new Postgres(directory, await freePort());
    try {
      const { uid, gid } = owner();
      if (uid !== undefined) await chown(directory, uid, gid ?? 0);
      await (primary === undefined ? server.#make(connectionsMax) : server.#copy(primary));
      if (tls !== undefined) await server.#useTls(tls);
      await server.resume();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** The address of a database here, at this port or at that of something between. */
  address(
    user: { readonly user: string; readonly password: string },
    port = this.port,
    database = "postgres",
  ): string {
    return `postgres://${user.user}:${encodeURIComponent(user.password)}@127.0.0.1:${port}/${database}`;
  }

  /** Runs psql with an operator's text. Rejects if psql prints an error. */
  async psql(sql: string, database = "postgres", user: string = ADMIN.user): Promise<string> {
    const command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"];
    return run([...command, "-h", this.directory, "-p", String(this.port), "-U", user, "-d", database], sql);
  }

  /** A connection of a test's own, over the unix socket. */
  async client(database = "postgres", user: string = ADMIN.user): Promise<pg.Client> {
    const client = new pg.Client({ host: this.directory, port: this.port, user, database });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** Starts it, or starts it again after `halt`. */
  async resume(): Promise<void> {
    const child = Bun.spawn([join(PROGRAMS, "postgres"), "-D", this.#data], {
      ...owner(),
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
        throw new Error(`PostgreSQL did not start: ${await this.log()}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /** Ends it at once, with all its connections; what it held is there after `resume`. */
  async halt(): Promise<void> {
    // Immediate shutdown: its children must not outlive it.
    this.#child?.kill("SIGQUIT");
    await this.#child?.exited;
    this.#child = undefined;
  }

  /** A standby becomes a primary. */
  async promote(): Promise<void> {
    await this.psql("SELECT pg_promote()");
  }

  log(): Promise<string> {
    return Bun.file(join(this.directory, "log")).text();
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.directory, "data");
  }

  async #make(connectionsMax: number): Promise<void> {
    const password = join(this.directory, "password");
    await writeFile(password, ADMIN.password);
    await chmod(password, 0o644);
    const options = ["-U", ADMIN.user, "--auth=scram-sha-256", `--pwfile=${password}`, "--no-sync"];
    await run([join(PROGRAMS, "initdb"), "-D", this.#data, ...options, "-E", "UTF8", "--no-locale"]);
    const own = [
      `port = ${this.port}`,
      `max_connections = ${connectionsMax}`,
      `unix_socket_directories = '${this.directory}'`,
    ];
    await appendFile(join(this.#data, "postgresql.conf"), `\n${[...SETTINGS, ...own].join("\n")}\n`);
    await writeFile(join(this.#data, "pg_hba.conf"), `${ACCESS.join("\n")}\n`);
  }

  async #copy(primary: Postgres): Promise<void> {
    const from = `host=127.0.0.1 port=${primary.port} user=${ADMIN.user} password=${ADMIN.password}`;
    await run([
      join(PROGRAMS, "pg_basebackup"),
      "-D",
      this.#data,
      "-d",
      from,
      "-R",
      "-c",
      "fast",
      "--no-sync",
    ]);
    const own = [`port = ${this.port}`, `unix_socket_directories = '${this.directory}'`];
    await appendFile(join(this.#data, "postgresql.conf"), `\n${own.join("\n")}\n`);
  }

  async #useTls({ certificate, key }: { readonly certificate: string; readonly key: string }): Promise<void> {
    const { uid, gid } = owner();
    await copyFile(certificate, join(this.#data, "server.crt"));
    await copyFile(key, join(this.#data, "server.key"));
    await chmod(join(this.#data, "server.key"), 0o600);
    if (uid !== undefined) await chown(join(this.#data, "server.key"), uid, gid ?? 0);
    await appendFile(join(this.#data, "postgresql.conf"), "\nssl = on\n");
  }

  async #isAnswering(): Promise<boolean> {
    try {
      const client = await this.client();
      await client.end();
      return true;
    } catch {
      return false;
    }
  }
}

/** The user of the servers: any user except root. */
export function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(Bun.spawnSync(["id", flag, "postgres"]).stdout.toString());
  return { uid: id("-u"), gid: id("-g") };
}

async function run(command: readonly string[], input = ""): Promise<string> {
  const child = Bun.spawn([...command], {
    ...owner(),
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, problem] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command[0]}: ${problem}`);
  return output.trimEnd();
}
