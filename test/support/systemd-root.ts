/**
 * A machine with the systemd files installed as their page says. It runs the page's own commands, with a
 * temporary directory in place of the root directory. `start` plays systemd: it listens as the socket unit
 * says, runs the service unit's command, and waits for the message that the daemon is ready.
 */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../cli/run.ts";
import { eventually } from "./eventually.ts";
import { NotifySocket } from "./notify-socket.ts";
import { freePort } from "./port.ts";

const REPOSITORY = join(import.meta.dir, "../..");
const FILES = join(REPOSITORY, "integrations/systemd");
const LAUNCHER = join(REPOSITORY, "bin/maxwells-daemon");

/** Stand-ins for the page's commands to systemd, which does not run here, and the path of the program. */
const PRELUDE = `
set -e
sudo() { "$@"; }
systemctl() { echo "systemctl $*"; }
systemd-sysusers() { command systemd-sysusers --root="$ROOT"; }
cd "${FILES}"
`;

export class SystemdRoot {
  readonly directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-systemd-"));
  /** The page's calls of systemctl, one a line. */
  readonly told: readonly string[];
  readonly #child: { daemon?: Bun.Subprocess; notify?: NotifySocket } = {};

  constructor() {
    chmodSync(this.directory, 0o755);
    for (const path of ["usr/bin", "run", "var/lib/maxwells-daemon"]) {
      mkdirSync(this.path(path), { recursive: true });
    }
    const page = readFileSync(join(FILES, "README.md"), "utf8");
    const [, commands = ""] = /## Install\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
    const script = commands
      .replaceAll(/ \/(etc|usr)\//g, ' "$ROOT"/$1/')
      .replaceAll(" /etc/maxwells-daemon\n", ' "$ROOT"/etc/maxwells-daemon\n')
      .replace("../../dist/maxwells-daemon", LAUNCHER);
    const ran = Bun.spawnSync(["bash", "-c", PRELUDE + script], {
      env: { PATH: process.env["PATH"], ROOT: this.directory },
    });
    if (ran.exitCode !== 0) throw new Error(`the commands of the page fail:\n${ran.stderr}`);
    this.told = String(ran.stdout)
      .split("\n")
      .filter((line) => line.startsWith("systemctl "));
    // The launcher looks for Bun beside itself, and a copy has no Bun there.
    rmSync(this.path("usr/bin/maxwells-daemon"));
    symlinkSync(LAUNCHER, this.path("usr/bin/maxwells-daemon"));
  }

  /** A path of that machine. */
  path(name: string): string {
    return join(this.directory, name);
  }

  get socket(): string {
    return this.path(valueIn(this.#unit("socket"), "ListenStream"));
  }

  get configFile(): string {
    return this.path("etc/maxwells-daemon/maxwells-daemon.toml");
  }

  /**
   * Starts the service as its units say, on a port of its own for the admin listener; resolves when it is
   * ready.
   */
  async start(): Promise<void> {
    const text = readFileSync(this.configFile, "utf8");
    const moved = text
      .replaceAll("file:/etc/", `file:${this.path("etc")}/`)
      .replaceAll("127.0.0.1:6293", `127.0.0.1:${await freePort()}`);
    writeFileSync(this.configFile, moved);

    const service = this.#unit("service").replaceAll("\\\n", " ");
    const notify = await NotifySocket.open();
    this.#child.notify = notify;
    const environment = [...service.matchAll(/^Environment=(.*)$/gm)].map(([, each = ""]) => each);
    environment.push(`NOTIFY_SOCKET=${notify.address}`, "WATCHDOG_USEC=10000000");
    const command = valueIn(service, "ExecStart")
      .trim()
      .split(/\s+/)
      .map((word) => this.#moved(word));
    const daemon = Bun.spawn(
      [
        "systemd-socket-activate",
        "-l",
        this.socket,
        ...environment.flatMap((each) => ["-E", each]),
        "--",
        ...command,
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    );
    this.#child.daemon = daemon;
    // It becomes the daemon when a client connects.
    await eventually(() => this.#isConnectable(), "the socket is there");
    chmodSync(this.socket, Number.parseInt(valueIn(this.#unit("socket"), "SocketMode"), 8));
    await eventually(
      () => notify.messages.some((each) => each.startsWith("READY=1\n")),
      "the daemon is ready",
    );
  }

  /** Runs a command of the program on that machine. */
  command(...argv: string[]): ReturnType<typeof run> {
    return run(argv, {}, undefined, { defaultConfigFile: this.configFile });
  }

  async stop(): Promise<void> {
    this.#child.daemon?.kill("SIGTERM");
    await this.#child.daemon?.exited;
    await this.#child.notify?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #unit(kind: "service" | "socket"): string {
    return readFileSync(this.path(`etc/systemd/system/maxwells-daemon.${kind}`), "utf8");
  }

  #moved(word: string): string {
    return /^\/(usr|etc|var|run)\//.test(word) ? this.path(word) : word;
  }

  #isConnectable(): Promise<boolean> {
    return new Promise((resolve) => {
      const client = connect(this.socket);
      const tell = (isConnected: boolean) => {
        client.destroy();
        resolve(isConnected);
      };
      client.once("connect", () => tell(true));
      client.once("error", () => tell(false));
    });
  }
}

/** The value of a key that a unit has once. */
function valueIn(unit: string, key: string): string {
  const values = [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))];
  const [value] = values;
  if (value?.[1] === undefined || values.length > 1) throw new Error(`the unit should have one ${key}=`);
  return value[1];
}
