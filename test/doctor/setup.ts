/**
 * Material for doctor: a real daemon, upstreams that name their version, and a real nginx that may be broken.
 */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { reportJson } from "../../src/doctor/report.ts";
import { run } from "../cli/run.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { EXAMPLE, fillExample, installPage, startNginx, withTls } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/** The ways in which the upstreams' pages name their version. */
export const BY_TEXT = ["-version-text", 'master="name":"master"', "-version-text", 'canary="name":"canary"'];

/** Few visitors, so that an examination is quick. */
export const FEW = ["-probes", "60"];

export type Json = ReturnType<typeof reportJson>;

export interface Examined {
  readonly status: number;
  readonly report: Json;
  /** The verdict of each check, by its id. */
  readonly verdicts: Readonly<Record<string, string>>;
  check(id: string): Json["checks"][number];
}

export interface NginxOptions {
  readonly isTls?: boolean;
  /** The user of nginx's workers. */
  readonly user?: string;
}

export class Setup {
  readonly directory: string;
  readonly home: DaemonHome;
  readonly adminPort: number;
  readonly httpPort: number;
  daemon: DaemonProcess;
  readonly #upstreams: readonly Upstream[];
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(
    directory: string,
    home: DaemonHome,
    daemon: DaemonProcess,
    adminPort: number,
    httpPort: number,
  ) {
    this.directory = directory;
    this.home = home;
    this.daemon = daemon;
    this.adminPort = adminPort;
    this.httpPort = httpPort;
    this.#upstreams = [
      startUpstream("master", this.upstream("master")),
      startUpstream("canary", this.upstream("canary")),
    ];
    // Workers of other users must be able to enter.
    for (const name of ["master", "canary"]) chmodSync(this.upstream(name), 0o666);
  }

  static async start(flags: readonly string[] = []): Promise<Setup> {
    const directory = mkdtempSync(join(tmpdir(), "doctor-"));
    const [adminPort, httpPort] = [await freePort(), await freePort()];
    const home = new DaemonHome({
      records: { canary: 0.25, maintenance: 0 },
      flags: ["-admin", `127.0.0.1:${adminPort}`, "-http", `127.0.0.1:${httpPort}`, ...flags],
    });
    for (const path of [directory, home.directory]) chmodSync(path, 0o755);
    installPage(directory);
    return new Setup(directory, home, await home.start(), adminPort, httpPort);
  }

  upstream(name: string): string {
    return join(this.directory, `${name}.sock`);
  }

  /**
   * Starts an nginx with the shipped example after `edit`, and returns its address. It ends with the set-up.
   */
  async nginx(
    edit: (example: string) => string = (text) => text,
    options: NginxOptions = {},
  ): Promise<string> {
    const port = await freePort();
    const directory = join(this.directory, `nginx-${port}`);
    mkdirSync(directory);
    const example = fillExample("ask", port, {
      daemon: this.home.socket,
      master: this.upstream("master"),
      canary: this.upstream("canary"),
      maintenanceFile: this.home.maintenanceFile,
      page: join(this.directory, "share"),
    });
    const edited = edit(this.#patient(example));
    const http = options.isTls ? withTls(edited, await certificate(directory)) : edited;
    const nginx = await startNginx(directory, port, http, 1, options.user);
    this.#stops.push(() => nginx.stop());
    const url = `${options.isTls ? "https" : "http"}://127.0.0.1:${port}/`;
    // nginx listens before its workers run as their own user. After a reply they do. This page asks no
    // daemon.
    await fetch(`${url}maintenance/maintenance.html`, { tls: { rejectUnauthorized: false } });
    return url;
  }

  /** The example with a copy of the Lua module that has a long time limit. */
  #patient(example: string): string {
    const module = readFileSync(join(EXAMPLE, "maxwells-daemon.lua"), "utf8");
    const [patience, ...more] = module.match(/(?<=^local PATIENCE_MS = )\d+$/gm) ?? [];
    if (patience === undefined || more.length > 0)
      throw new Error("the Lua module should have one PATIENCE_MS");
    const slow = module.replace(/(?<=^local PATIENCE_MS = )\d+$/m, "2000");
    writeFileSync(join(this.directory, "maxwells-daemon.lua"), slow);
    const place = "init_by_lua_block {";
    return behind(example, place, `package.path = "${this.directory}/?.lua;" .. package.path`);
  }

  /** The flags that name the daemon's addresses. */
  get flags(): string[] {
    return [
      ...["-socket", this.home.socket, "-admin", `127.0.0.1:${this.adminPort}`],
      ...["-state-dir", this.home.stateDirectory],
    ];
  }

  /** Runs doctor in this process. */
  examine(...flags: readonly string[]): Promise<Examined> {
    return examine([...this.flags, ...flags]);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop();
    await this.daemon.end("SIGKILL");
    for (const upstream of this.#upstreams) upstream.stop();
    this.home.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The checks that failed. */
export function failures(verdicts: Examined["verdicts"]): string[] {
  return Object.keys(verdicts).filter((id) => verdicts[id] === "fail");
}

/** Inserts `text` after `mark`, which must occur once. */
export function behind(example: string, mark: string, text: string): string {
  if (example.split(mark).length !== 2) throw new Error(`the example should have one ${mark}`);
  return example.replace(mark, () => `${mark}\n${text}\n`);
}

/** Runs doctor in this process. */
export async function examine(flags: readonly string[]): Promise<Examined> {
  const { status, stdout, stderr } = await run(["doctor", "-o", "json", ...flags]);
  if (stdout === "") throw new Error(stderr);
  const report = JSON.parse(stdout) as Json;
  return {
    status,
    report,
    verdicts: Object.fromEntries(report.checks.map(({ id, verdict }) => [id, verdict])),
    check(id) {
      const found = report.checks.find((check) => check.id === id);
      if (found === undefined) throw new Error(`there is no check ${id}`);
      return found;
    },
  };
}

async function certificate(directory: string): Promise<{ key: string; certificate: string }> {
  const [key, path] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout ${key} -out ${path}`.quiet();
  return { key, certificate: path };
}
