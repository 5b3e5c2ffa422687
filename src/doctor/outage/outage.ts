/**
 * Takes a daemon away for some seconds, and gives it back whatever happens (docs/decisions/0016-doctor.md).
 *
 *     hang()   SIGSTOP: the kernel still accepts connections, but no listener answers
 *     hide()   moves the socket files aside, so that no proxy can connect. The daemon has to be stopped by
 *              then: a running daemon would listen again
 *     end()    moves the files back and sends SIGCONT. A daemon that was stopped has noticed nothing
 *
 * Three things give the daemon back: `end`; a handler of the signals that end this process; and a guard,
 * which is another process. The guard starts before anything is touched. It acts when this process is gone,
 * even by kill -9, or after `OUTAGE_MS_MAX`.
 *
 * The process number and the paths come from the admin port, so they may be wrong. A daemon in a container
 * says the number that it has in the container, and a stranger may say anything. So doctor first proves that
 * this very process holds the admin listener and owns the socket files. Then it acts with the rights of that
 * process (`rights.ts`).
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, renameSync, unlinkSync } from "node:fs";
import { shellWord } from "../../text/shell-word.ts";
import { listeningOn } from "../machine/listening.ts";
import { whyNotOwn } from "../machine/own-socket.ts";
import { type Process, processOf, socketsOf } from "../machine/processes.ts";
import { rightsFor, withRightsOf } from "../machine/rights.ts";

/** After this time the guard gives the daemon back, even if this process hangs. */
const OUTAGE_MS_MAX = 30_000;

/** The guard is a shell that only waits. On a busy machine even a shell takes a while to start. */
const GUARD_START_MS = 5_000;

/**
 * Waits until its standard input ends, or for `$1` seconds. Then it moves back each pair of files, and
 * continues process `$2`. If there is a newer file at a path, the guard leaves that one. `timeout` sends
 * KILL, because the guard's children ignore the other signals.
 */
const GUARD = `
trap '' INT HUP TERM
seconds=$1 process=$2; shift 2
echo ready
timeout -s KILL "$seconds" cat >/dev/null 2>&1
while [ $# -ge 2 ]; do
  if [ -S "$1" ]; then ln "$1" "$2" 2>/dev/null; rm -f "$1"; fi
  shift 2
done
kill -CONT "$process"
`;

/** Signals that end a process unless it handles them, and their numbers. */
const ENDINGS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

export interface OutageTarget {
  readonly pid: number;
  /** The port of its admin listener. */
  readonly adminPort: number;
  /** The paths of its unix sockets, as the daemon names them. */
  readonly sockets: readonly string[];
}

interface Moved {
  readonly path: string;
  readonly aside: string;
}

export class Outage {
  /** The sockets that can be hidden: this very process listens there, and owns their files. */
  readonly sockets: readonly string[];
  /** For each other socket, a sentence that says why it cannot be hidden. */
  readonly refused: readonly string[];
  readonly #daemon: Process;
  readonly #guard: ChildProcess;
  readonly #moves: readonly Moved[];
  readonly #onSignal = new Map<NodeJS.Signals, () => void>();
  #isOver = false;

  private constructor(
    daemon: Process,
    moves: readonly Moved[],
    refused: readonly string[],
    guard: ChildProcess,
  ) {
    this.#daemon = daemon;
    this.#moves = moves;
    this.refused = refused;
    this.#guard = guard;
    this.sockets = moves.map(({ path }) => path);
    for (const [name, number] of Object.entries(ENDINGS) as [NodeJS.Signals, number][]) {
      const handler = () => {
        this.end();
        process.exit(128 + number);
      };
      this.#onSignal.set(name, handler);
      process.on(name, handler);
    }
  }

  /**
   * Proves that process `pid` is the daemon, and starts the guard. Nothing is broken yet. If one of them
   * fails, the result says why.
   */
  static async prepare(
    { pid, adminPort, sockets }: OutageTarget,
    guardMs = OUTAGE_MS_MAX,
  ): Promise<Outage | { readonly why: string }> {
    if (process.platform !== "linux") return { why: "-break works only on Linux" };
    if (pid <= 1 || pid === process.pid) return { why: `process ${pid} cannot be stopped` };
    const daemon = processOf(pid);
    const ownSockets = socketsOf(pid);
    if (daemon === undefined || !listeningOn(adminPort).some(({ inode }) => ownSockets.has(inode))) {
      return {
        why:
          `doctor cannot prove that process ${pid} is the daemon: run doctor as the daemon's user or root, ` +
          "and inside the daemon's container if there is one",
      };
    }
    const judged = sockets.map((path) => ({ path, why: whyNotOwn(path, daemon, ownSockets) }));
    const moves = judged
      .filter(({ why }) => why === undefined)
      .map(({ path }) => ({ path, aside: `${path}.${randomBytes(4).toString("hex")}.doctor` }));
    const guard = await startGuard(daemon, moves, guardMs);
    return guard === undefined
      ? { why: "the guard of the daemon needs the programs sh and timeout" }
      : new Outage(
          daemon,
          moves,
          judged.flatMap(({ why }) => why ?? []),
          guard,
        );
  }

  /** Whether the guard still runs. Nothing is broken without it. */
  get #isGuarded(): boolean {
    return !this.#isOver && this.#guard.exitCode === null && this.#guard.signalCode === null;
  }

  /** The command that gives the daemon back by hand, if even the guard was killed. */
  get byHand(): string {
    const files = this.#moves.map(({ path, aside }) => `mv -n ${shellWord(aside)} ${shellWord(path)}; `);
    return `${files.join("")}kill -CONT ${this.#daemon.pid}`;
  }

  /** Stops the daemon, so that it does not answer. Throws if this user may not stop it. */
  hang(): void {
    if (this.#isGuarded) this.#act(() => process.kill(this.#daemon.pid, "SIGSTOP"));
  }

  /** Moves the sockets aside, so that no proxy can connect. If this fails, returns why. */
  hide(): string | undefined {
    if (!this.#isGuarded) return "the outage is over";
    try {
      this.#act(() => {
        for (const { path, aside } of this.#moves) renameSync(path, aside);
      });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Gives the daemon back. Idempotent; never throws. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#act(() => {
      for (const { path, aside } of this.#moves) putBack(aside, path);
      try {
        process.kill(this.#daemon.pid, "SIGCONT");
      } catch {
        // The daemon has ended meanwhile.
      }
    });
    for (const [name, handler] of this.#onSignal) process.off(name, handler);
    this.#guard.stdin?.end();
    this.#guard.unref();
  }

  #act(what: () => void): void {
    withRightsOf(this.#daemon.user, what);
  }
}

/** Moves a file back, unless there is a newer one in its place. */
function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch {
    // The file was not moved, or there is a newer one.
  }
  try {
    unlinkSync(aside);
  } catch {
    // The file was not moved.
  }
}

/** Resolves when the guard waits; undefined if it cannot start. */
function startGuard(
  { pid, user }: Process,
  moves: readonly Moved[],
  guardMs: number,
): Promise<ChildProcess | undefined> {
  const files = moves.flatMap(({ aside, path }) => [aside, path]);
  const words = [String(guardMs / 1_000), String(pid), ...files];
  return new Promise((resolve) => {
    // The guard has a session of its own, so that Ctrl-C at a terminal does not reach it.
    const guard = spawn(
      "/bin/sh",
      ["-c", `command -v timeout >/dev/null || exit 1\n${GUARD}`, "sh", ...words],
      {
        ...rightsFor(user),
        detached: true,
        stdio: ["pipe", "pipe", "ignore"],
        cwd: "/",
      },
    );
    const give = (value: ChildProcess | undefined) => {
      clearTimeout(timer);
      resolve(value);
    };
    const timer = setTimeout(() => {
      guard.kill("SIGKILL");
      give(undefined);
    }, GUARD_START_MS);
    guard.stdout.on("data", () => give(guard));
    guard.on("error", () => give(undefined));
    guard.on("exit", () => give(undefined));
    guard.stdin.on("error", () => {});
  });
}
