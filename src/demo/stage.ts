/**
 * All parts of the demo on one machine: two versions of a shop, a proxy, visitors, and a real daemon with a
 * store in a file. Everything is in a temporary directory and on loopback, and is gone with the demo.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings, Problems } from "../config/load.ts";
import type { Settings } from "../config/option.ts";
import { ALL_TABLES, allOptions } from "../daemon/all-options.ts";
import { createDaemon, type Daemon } from "../daemon/daemon.ts";
import { StartError } from "../daemon/start-error.ts";
import { silentLog } from "../log/log.ts";
import { errorMessage } from "../text/error-message.ts";
import { type CanaryKind, SLOW_BOUND_MS, STEPS } from "./canaries.ts";
import { freePort } from "./free-port.ts";
import type { Front, FrontParts } from "./front.ts";
import { openNginx } from "./nginx.ts";
import { openOwnProxy } from "./own-proxy.ts";
import { Shop } from "./shop.ts";
import { drawToken } from "./token.ts";
import { Visitors } from "./visitors.ts";

/** The name of the shop in the store, and of the daemon in the records. */
export const APPLICATION = "shop";
export const DAEMON = "demo";

/** The number of visitors who are there at a time. */
export const VISITORS = 300;

const PRIVATE_FILE = 0o600;

/** Another program may take a port before the daemon has it. */
const STARTS_MAX = 3;

export type ProxyChoice = "auto" | "nginx" | "builtin";

export interface StageOptions {
  readonly canary: CanaryKind;
  readonly proxy: ProxyChoice;
  /** The port of the page; 0 for a free one. */
  readonly port: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly random: () => number;
  /** Ends the opening early. */
  readonly signal: AbortSignal;
}

/** The demo cannot begin. The message has the remedy. */
export class StageError extends Error {
  override readonly name = "StageError";
}

export class Stage {
  readonly directory: string;
  readonly token: string;
  readonly #options: StageOptions;
  /** The parts that are open, the last one first. */
  readonly #open: { close(): Promise<void> | void; kill?(): void }[] = [];
  #parts: { daemon: Daemon; front: Front; master: Shop; canary: Shop; visitors: Visitors } | undefined;
  #remark: string | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
    this.token = drawToken();
    this.directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-demo-"));
  }

  get storeAddress(): string {
    return `file:${this.#rolloutsFile}`;
  }

  /** The file with the plan `demo`. */
  get configFile(): string {
    return join(this.directory, "demo.toml");
  }

  get adminUrl(): string {
    return this.#opened.daemon.adminUrl ?? "";
  }

  get front(): Front {
    return this.#opened.front;
  }

  get master(): Shop {
    return this.#opened.master;
  }

  get canary(): Shop {
    return this.#opened.canary;
  }

  get visitors(): Visitors {
    return this.#opened.visitors;
  }

  /** Why nginx is not the proxy; undefined if it is, or if it is not wished. */
  get remark(): string | undefined {
    return this.#remark;
  }

  /** Opens all parts. If it rejects, `close` still has to be called. */
  async open(): Promise<void> {
    const { canary: kind, random } = this.#options;
    writeFileSync(this.#tokenFile, `${this.token}\n`, { mode: PRIVATE_FILE });
    writeFileSync(this.#rolloutsFile, rolloutsFile());
    writeFileSync(this.configFile, planFile(kind));
    const master = this.#opens(new Shop(1, "fine"));
    const canary = this.#opens(new Shop(2, kind));
    const { daemon, parts } = await this.#openDaemon(master.port, canary.port);
    const front = this.#opens(await this.#openFront(parts));
    const visitors = this.#opens(
      new Visitors({ port: front.port, count: VISITORS, slowMs: SLOW_BOUND_MS, random }),
    );
    this.#parts = { daemon, front, master, canary, visitors };
    visitors.start();
  }

  /** Ends everything, and removes the directory. A part that cannot be ended does not keep the others. */
  async close(): Promise<void> {
    for (let part = this.#open.at(-1); part !== undefined; part = this.#open.at(-1)) {
      await Promise.resolve(part.close()).catch(() => part?.kill?.());
      // Until now `kill` would have ended it.
      this.#open.pop();
    }
    this.#remove();
  }

  /** The same for a process that ends now: it waits for nothing. */
  kill(): void {
    for (const part of this.#open) part.kill?.();
    this.#remove();
  }

  get #opened() {
    if (this.#parts === undefined) throw new TypeError("the stage is not open");
    return this.#parts;
  }

  get #rolloutsFile(): string {
    return join(this.directory, "rollouts.json");
  }

  get #tokenFile(): string {
    return join(this.directory, "token");
  }

  #opens<Part extends { close(): Promise<void> | void; kill?(): void }>(part: Part): Part {
    this.#open.push(part);
    this.#options.signal.throwIfAborted();
    return part;
  }

  #remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #frontParts(masterPort: number, canaryPort: number): Promise<FrontParts> {
    const { directory } = this;
    return {
      ...{ directory, application: APPLICATION, masterPort, canaryPort },
      socket: join(directory, "daemon.sock"),
      httpPort: await freePort(),
      outcomesPort: await freePort(),
      maintenanceFile: join(directory, "state/maintenance", APPLICATION),
    };
  }

  async #openDaemon(
    masterPort: number,
    canaryPort: number,
  ): Promise<{ readonly daemon: Daemon; readonly parts: FrontParts }> {
    for (let starts = 1; ; starts++) {
      const parts = await this.#frontParts(masterPort, canaryPort);
      try {
        const daemon = await createDaemon(this.#settings(parts), silentLog);
        await daemon.start();
        return { daemon: this.#opens(daemon), parts };
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        if (isOfPage(error, this.#options.port)) throw pageRefused(error);
        if (starts === STARTS_MAX) throw error;
      }
    }
  }

  #settings({ socket, httpPort, outcomesPort }: FrontParts): Settings {
    const flags = {
      application: APPLICATION,
      name: DAEMON,
      releases: "on",
      store: this.storeAddress,
      "state-dir": join(this.directory, "state"),
      socket,
      http: `127.0.0.1:${httpPort}`,
      outcomes: `127.0.0.1:${outcomesPort}`,
      admin: `127.0.0.1:${this.#options.port}`,
      "admin-token-file": this.#tokenFile,
      logfile: "none",
      statsd: "none",
    };
    const argv = Object.entries(flags).flatMap(([name, text]) => [`-${name}`, text]);
    // Neither the settings of this machine nor its environment have an effect.
    const loaded = loadSettings(
      { argv, environment: {}, readFile: () => "" },
      { options: allOptions(), tables: ALL_TABLES },
    );
    if (loaded instanceof Problems) throw new StageError(loaded.messages.join("; "));
    return loaded.settings;
  }

  async #openFront(parts: FrontParts): Promise<Front> {
    const { proxy, env } = this.#options;
    if (proxy === "builtin") return openOwnProxy(parts);
    const nginx = await openNginx(parts, env);
    if (typeof nginx !== "string") return nginx;
    if (proxy === "nginx") throw new StageError(`${nginx}; leave out -proxy nginx, or mend it`);
    this.#remark = nginx;
    return openOwnProxy(parts);
  }
}

/** Whether the page cannot have the port that a person named. The demo chooses all other ports itself. */
function isOfPage({ message }: StartError, port: number): boolean {
  return port !== 0 && message.includes(`127.0.0.1:${port}:`);
}

/** The daemon's own remedy names a flag that the demo does not have. */
function pageRefused({ cause }: StartError): StageError {
  const remedy = "choose another -port, or leave -port out to get a free one";
  return new StageError(`the page cannot have this port: ${errorMessage(cause)}; ${remedy}`, { cause });
}

/** Only the slow canary needs a bound of slowness: a busy machine may be slow by itself. */
function planFile(kind: CanaryKind): string {
  const slow = kind === "slow" ? `slow = ["${SLOW_BOUND_MS}ms"]\n` : "";
  return `[plans.demo]\nsteps = ${JSON.stringify(STEPS)}\n${slow}`;
}

/** The canary is known, and has no visitor. */
function rolloutsFile(): string {
  const canary = { rollout: 0, updatedBy: "demo", updatedAt: new Date().toISOString() };
  return `${JSON.stringify({ [APPLICATION]: { canary } }, null, 2)}\n`;
}
