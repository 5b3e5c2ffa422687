/**
 * Takes a daemon away for some seconds, and gives it back whatever happens (docs/decisions/0016-doctor.md).
 *
 *     hang()   SIGSTOP: the kernel still accepts connections, and they get no answer, on any listener
 *     hide()   its socket files are moved aside: no proxy can connect. Only while it is stopped, or it would listen again
 *     end()    files back, SIGCONT. A daemon that was stopped has noticed nothing
 *
 * Three things give it back: `end`; a handler of the signals that end this process; and a process of its own, which does
 * it when this one is gone, even by kill -9, or after `OUTAGE_MS_MAX`. That one runs before anything is touched.
 *
 * The number of the process and the paths are what answers at the admin port says. A daemon in a container says a number of
 * its container, and a stranger may say anything. So nothing is done before it is seen that this very process holds the admin
 * listener and owns the socket files, and all of it is done with the rights of that process (`rights.ts`).
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, renameSync, unlinkSync } from "node:fs";
import { shellWord } from "../../text.ts";
import { listeningOn } from "../machine/listening.ts";
import { whyNotOwn } from "../machine/own-socket.ts";
import { type Process, processOf, socketsOf } from "../machine/processes.ts";
import { rightsFor, withRightsOf } from "../machine/rights.ts";

/** After this time the daemon is given back, even if this process hangs. */
export const OUTAGE_MS_MAX = 30_000;

/** The guard is a shell that waits; it is there at once or not at all. */
const GUARD_START_MS = 2_000;

/**
 * Waits until its standard input ends, or for `$1` seconds; then moves back each pair of files, and continues process `$2`.
 * A file is only put back if there is none by then. `timeout` kills by KILL, because the guard's children ignore the rest.
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
  /** Of its admin listener. */
  readonly adminPort: number;
  /** Its unix sockets, as it names them. */
  readonly sockets: readonly string[];
}

interface Moved {
  readonly path: string;
  readonly aside: string;
}

export class Outage {
  /** The sockets that can be hidden: those that this very process listens at, and whose files it owns. */
  readonly sockets: readonly string[];
  /** Why the others cannot be hidden, a sentence each. */
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

  /** Everything that has to be there before something is broken; or why it cannot be, and nothing was done. */
  static async prepare(
    { pid, adminPort, sockets }: OutageTarget,
    guardMs = OUTAGE_MS_MAX,
  ): Promise<Outage | { readonly why: string }> {
    if (process.platform !== "linux") return { why: "it needs Linux" };
    if (pid <= 1 || pid === process.pid) return { why: `process ${pid} cannot be stopped` };
    const daemon = processOf(pid);
    const ownSockets = socketsOf(pid);
    if (daemon === undefined || !listeningOn(adminPort).some(({ inode }) => ownSockets.has(inode))) {
      return {
        why:
          `it is not seen that process ${pid} is the daemon: run doctor as the daemon's user or root, ` +
          "and not from outside of its container",
      };
    }
    const judged = sockets.map((path) => ({ path, why: whyNotOwn(path, daemon, ownSockets) }));
    const moves = judged
      .filter(({ why }) => why === undefined)
      .map(({ path }) => ({ path, aside: `${path}.${randomBytes(4).toString("hex")}.doctor` }));
    const guard = await startGuard(daemon, moves, guardMs);
    return guard === undefined
      ? { why: "sh and timeout are needed to guard the daemon" }
      : new Outage(
          daemon,
          moves,
          judged.flatMap(({ why }) => why ?? []),
          guard,
        );
  }

  /** Nothing is done without the guard. */
  get #isGuarded(): boolean {
    return !this.#isOver && this.#guard.exitCode === null && this.#guard.signalCode === null;
  }

  /** The command that gives it back by hand, if even the guard was killed. */
  get byHand(): string {
    const files = this.#moves.map(({ path, aside }) => `mv -n ${shellWord(aside)} ${shellWord(path)}; `);
    return `${files.join("")}kill -CONT ${this.#daemon.pid}`;
  }

  /** From now on there is no answer. Throws if this user may not. */
  hang(): void {
    if (this.#isGuarded) this.#act(() => process.kill(this.#daemon.pid, "SIGSTOP"));
  }

  /** From now on there is no connection; returns why not, if the daemon's user may not move its sockets. */
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
        // It was ended meanwhile.
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

/** A newer file in its place stays. */
function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch {
    // It was not moved, or there is a newer one.
  }
  try {
    unlinkSync(aside);
  } catch {
    // It was not moved.
  }
}

/** Resolves when it watches; undefined if it cannot be had. */
function startGuard(
  { pid, user }: Process,
  moves: readonly Moved[],
  guardMs: number,
): Promise<ChildProcess | undefined> {
  const files = moves.flatMap(({ aside, path }) => [aside, path]);
  const words = [String(guardMs / 1_000), String(pid), ...files];
  return new Promise((resolve) => {
    // In a session of its own, so that Ctrl-C at a terminal does not reach it.
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
