/** A daemon with many applications, and the load of their visitors (`paced-load.c`). */

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DaemonProcess } from "../test/support/daemon-process.ts";
import type { RunningEngine } from "./stores/engines.ts";
import type { Program } from "./subject.ts";
import { directoryOf, type Stops } from "./ways.ts";

const CONNECTIONS = 32;

/** The work of a start is over when all snapshots are saved. */
const SAVED_MS_MAX = 60_000;
const LOOK_EVERY_MS = 500;

/** The figures of the load; times in microseconds. */
export interface Visited {
  readonly asked: number;
  readonly answered: number;
  readonly canaries: number;
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
}

/** Starts a daemon on a store, with the settings of an operator. */
export async function startWith(
  program: Program,
  running: Pick<RunningEngine, "address" | "env">,
  names: readonly string[],
  stops: Stops,
) {
  const directory = directoryOf(stops);
  const socket = join(directory, "daemon.sock");
  const config = join(directory, "daemon.toml");
  writeFileSync(
    config,
    `application = ${JSON.stringify(names)}\nstore = ${JSON.stringify(running.address)}\n`,
  );
  const stateDirectory = join(directory, "state");
  const beganAtMs = performance.now();
  // biome-ignore format: a flag a line
  const child = Bun.spawn([
    ...program.command,
    "-config", config,
    "-socket", socket,
    "-admin", "127.0.0.1:0",
    "-statsd", "none",
    "-state-dir", stateDirectory,
    "-logfile", join(directory, "daemon.log"),
  ], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    // The same as in the launcher and in the systemd unit.
    env: { ...process.env, ...running.env, BUN_JSC_forceRAMSize: "134217728" },
  });
  stops.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const daemon = await DaemonProcess.of(child);
  return { daemon, socket, stateDirectory, readyMs: performance.now() - beganAtMs };
}

/** Resolves a moment after each application has its saved snapshot. */
export async function isSaved(stateDirectory: string, count: number): Promise<void> {
  const deadlineMs = performance.now() + SAVED_MS_MAX;
  const saved = () => readdirSync(join(stateDirectory, "snapshot")).filter((name) => name.endsWith(".json"));
  while (saved().length < count) {
    if (performance.now() > deadlineMs) throw new Error("the snapshots are not saved in time");
    await Bun.sleep(LOOK_EVERY_MS);
  }
  await Bun.sleep(2 * LOOK_EVERY_MS);
}

/** Sends visitors at a rate in visitors a second, each to the next application. */
export async function visit(
  load: string,
  socket: string,
  seconds: number,
  rate: number,
  count: number,
): Promise<Visited> {
  const child = Bun.spawn([load, socket, ...[seconds, CONNECTIONS, rate, count].map(String)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const report = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the load broke off");
  return JSON.parse(report) as Visited;
}

export function millisecondsText(us: number): string {
  return `${(us / 1_000).toFixed(2)} ms`;
}
