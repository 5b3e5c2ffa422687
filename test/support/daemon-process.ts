/**
 * A daemon like an operator's: a separate process, started by the shipped command on temporary paths, with a
 * file store that the test writes. For tests that need a process: kill -9, SIGSTOP, sockets passed by
 * systemd.
 */

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { State } from "../../src/admin/state.ts";
import { ask } from "../../src/client/line.ts";
import { eventually } from "./eventually.ts";
import { holdFilesToSchemas, holdToSchema } from "./held-to-schemas.ts";
import { PROGRAM } from "./program.ts";
import { stateOf } from "./state.ts";

const START_TIMEOUT_MS = 15_000;
const LOOK_EVERY_MS = 10;

/** One application's records, as a file store holds them. */
export type Records = Readonly<
  Record<string, number | Readonly<{ rollout: number; [field: string]: unknown }>>
>;

export interface DaemonProcessOptions {
  readonly application?: string;
  /** The first content of the store. */
  readonly records?: Records;
  /** Another store than the file that `write` writes. */
  readonly store?: string;
  /** The environment beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** More flags, after the ones given here. */
  readonly flags?: readonly string[];
}

/**
 * A daemon's paths. They outlast the process, so that a test can kill one daemon and start the next one in
 * its place.
 */
export class DaemonHome {
  readonly directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-"));
  readonly application: string;
  readonly socket = join(this.directory, "daemon.sock");
  readonly storePath = join(this.directory, "rollouts.json");
  readonly stateDirectory = join(this.directory, "state");
  readonly #flags: readonly string[];
  readonly #store: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(options: DaemonProcessOptions = {}) {
    this.application = options.application ?? "website";
    this.#flags = options.flags ?? [];
    this.#store = options.store ?? `file:${this.storePath}`;
    this.#env = options.env ?? {};
    this.write(options.records ?? { canary: 0.25 });
  }

  get maintenanceFile(): string {
    return join(this.stateDirectory, "maintenance", this.application);
  }

  /** The daemon's whole command line. */
  get command(): string[] {
    // biome-ignore format: a flag a line
    return [
      PROGRAM,
      // Not the one of the machine that runs the tests.
      "-config", "none",
      "-application", this.application,
      "-store", this.#store,
      "-delay", "100ms",
      "-socket", this.socket,
      "-state-dir", this.stateDirectory,
      "-admin", "127.0.0.1:0",
      "-logfile", "none",
      "-statsd", "none",
      "-outcomes", "none",
      ...this.#flags,
    ];
  }

  /** Writes the store, at once and whole. */
  write(records: Records): void {
    this.replace(JSON.stringify({ [this.application]: records }));
  }

  /** Replaces the store's file, at once and whole: the daemon never reads half of it. */
  replace(text: string): void {
    holdToSchema(text);
    this.replaceWrong(text);
  }

  /** The same with a text that the schema may refuse. */
  replaceWrong(text: string): void {
    const path = `${this.storePath}.new`;
    writeFileSync(path, text);
    renameSync(path, this.storePath);
  }

  /** Takes the store away, until the next `write`. */
  loseStore(): void {
    rmSync(this.storePath);
  }

  /** Starts a daemon, with more flags; resolves when it answers and has read the store. */
  async start(flags: readonly string[] = []): Promise<DaemonProcess> {
    return DaemonProcess.of(this.#spawn(flags));
  }

  /** Starts a daemon while the store is away: it answers, and is not ready. */
  async startStale(): Promise<DaemonProcess> {
    return DaemonProcess.of(this.#spawn([]), false);
  }

  #spawn(flags: readonly string[]): Child {
    return Bun.spawn([...this.command, ...flags], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: { ...process.env, ...this.#env },
    });
  }

  /** The location of a visitor with this assignment. */
  async ask(assignment: string): Promise<string> {
    const { location } = await ask({
      address: { kind: "unix", path: this.socket },
      assignment,
      timeoutMs: START_TIMEOUT_MS,
    });
    return location;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

type Child = Bun.Subprocess<"ignore", "ignore", "pipe">;

export class DaemonProcess {
  readonly pid: number;
  readonly #child: Child;
  #log = "";
  #onLog: (() => void) | undefined;
  readonly #reading: Promise<void>;

  private constructor(child: Child) {
    this.pid = child.pid;
    this.#child = child;
    this.#reading = this.#readLog();
  }

  /** Waits until the daemon in `child` says that it runs and, by default, until it is ready. */
  static async of(child: Child, isReadyAwaited = true): Promise<DaemonProcess> {
    const daemon = new DaemonProcess(child);
    const deadline = performance.now() + START_TIMEOUT_MS;
    await daemon.#logged(/ runs .*admin=(\S+)/, deadline);
    while (isReadyAwaited && !(await daemon.#isReady())) {
      if (performance.now() > deadline) throw new Error(`the daemon does not become ready:\n${daemon.#log}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
    holdFilesToSchemas(readFileSync(`/proc/${child.pid}/cmdline`, "utf8").split("\0"));
    return daemon;
  }

  /** Its stderr so far. */
  get log(): string {
    return this.#log;
  }

  /** Its own status. */
  state(): Promise<State> {
    return stateOf(this);
  }

  /** Resolves when the daemon has the store's rollout, and the offset if one is given. */
  async follows(version: string, rollout: number, offset?: number): Promise<void> {
    await eventually(async () => {
      const { applications } = await this.state();
      const arc = applications[0]?.arcs.find((each) => each.version === version);
      return arc?.rollout === rollout && (offset === undefined || arc.offset === offset);
    }, `${version} at ${rollout}`);
  }

  /** Sends a signal, such as SIGSTOP, and goes on. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /**
   * Ends it by a signal, SIGTERM by default; resolves with its exit status when it is gone, and its log is
   * whole.
   */
  async end(name: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.#child.kill(name);
    await this.#reading;
    return this.#child.exited;
  }

  get adminUrl(): string | undefined {
    return / runs .*admin=(\S+)/.exec(this.#log)?.[1];
  }

  async #isReady(): Promise<boolean> {
    if (this.adminUrl === "none") return true;
    const response = await fetch(`${this.adminUrl}/readyz`);
    return response.ok;
  }

  async #readLog(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.#log += decoder.decode(chunk, { stream: true });
      this.#onLog?.();
    }
    this.#onLog?.();
  }

  async #logged(pattern: RegExp, deadline: number): Promise<void> {
    while (!pattern.test(this.#log)) {
      const remainingMs = deadline - performance.now();
      if (this.#child.exitCode !== null || remainingMs <= 0) {
        throw new Error(`the daemon did not start:\n${this.#log}`);
      }
      await Promise.race([
        this.#child.exited,
        new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, remainingMs);
          this.#onLog = () => {
            clearTimeout(timer);
            resolve();
          };
        }),
      ]);
    }
  }
}
