/**
 * The daemon under test, as operators start it: a process of its own with a file store, a state directory, a log
 * file, the admin listener, HTTP, and DogStatsD that goes to a UDP socket of this process.
 */

import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonProcess } from "../test/support/daemon-process.ts";
import { freePort } from "../test/support/port.ts";

const ROOT = join(import.meta.dir, "..");
const EXECUTABLE = join(ROOT, "dist/maxwells-daemon");

/** Every visitor below this is a canary's, and the load's 0.123456789 is one of them. */
const ROLLOUT = 0.25;

/** A way to run the daemon. */
export interface Program {
  readonly name: string;
  readonly command: readonly string[];
}

export const SOURCE: Program = {
  name: "source",
  command: [process.execPath, "--smol", join(ROOT, "src/bin.ts")],
};
export const LAUNCHER: Program = {
  name: "bin/maxwells-daemon",
  command: [join(ROOT, "bin/maxwells-daemon")],
};

/** The compiled executable, if it has been built; its name says so where it is older than the source. */
export function executable(): Program | undefined {
  if (!existsSync(EXECUTABLE)) return undefined;
  const builtMs = statSync(EXECUTABLE).mtimeMs;
  const isOld = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).some(
    (path) => statSync(join(ROOT, "src", path)).mtimeMs > builtMs,
  );
  return { name: isOld ? "executable, older than src" : "executable", command: [EXECUTABLE] };
}

/** Where a daemon is going to live. */
export interface Place {
  readonly socket: string;
  /** Where it answers over HTTP. */
  readonly decideUrl: string;
  /** Its whole command line. */
  readonly command: string[];
  readonly directory: string;
}

/** @param statsdPort on loopback, where its metrics go */
export async function placeFor(program: Program, statsdPort: number): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), "daemon-"));
  const socket = join(directory, "daemon.sock");
  const store = join(directory, "rollouts.json");
  writeFileSync(store, JSON.stringify({ website: { canary: ROLLOUT, maintenance: 0 } }));
  const http = `127.0.0.1:${await freePort()}`;
  // biome-ignore format: a flag a line
  const command = [
    ...program.command,
    "-application", "website",
    "-store", `file:${store}`,
    "-socket", socket,
    "-http", http,
    "-admin", "127.0.0.1:0",
    "-statsd", `127.0.0.1:${statsdPort}`,
    "-state-dir", join(directory, "state"),
    "-logfile", join(directory, "daemon.log"),
  ];
  return { socket, decideUrl: `http://${http}/decide`, command, directory };
}

/** A daemon that runs. */
export interface Subject extends Place {
  readonly name: string;
  readonly pid: number;
  /** How many requests it has answered over its socket, and how many connections are open there. */
  counts(): Promise<{ readonly answered: number; readonly connections: number }>;
  /** Ends it; rejects where it did not end well, or sent no metrics, since then something else was measured. */
  stop(): Promise<void>;
}

/** Starts a daemon; resolves when it has read its store and answers. */
export async function startSubject(program: Program): Promise<Subject> {
  let packets = 0;
  const statsd = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data() {
        packets++;
      },
    },
  });
  const place = await placeFor(program, statsd.port);
  const child = Bun.spawn(place.command, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    // As the launcher and the systemd unit set it.
    env: { ...process.env, BUN_JSC_forceRAMSize: "134217728" },
  });
  const daemon = await DaemonProcess.of(child).catch((error) => {
    child.kill("SIGKILL");
    statsd.close();
    throw error;
  });
  return {
    ...place,
    name: program.name,
    pid: daemon.pid,
    async counts() {
      const line = (await daemon.state()).servers.find((server) => server.name.startsWith("line "));
      if (line === undefined) throw new Error("the daemon does not tell of its socket");
      return { answered: line.success, connections: line.connections };
    },
    async stop() {
      const status = await daemon.end();
      statsd.close();
      if (status !== 0) throw new Error(`the daemon ended with status ${status}:\n${daemon.log}`);
      if (packets === 0) throw new Error("the daemon sent no metrics");
    },
  };
}
