/**
 * The daemon under test, as operators start it: in a process of its own, with a file store, a state
 * directory, a log file, the admin listener and HTTP. It sends DogStatsD to a UDP socket of this process.
 */

import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonProcess } from "../test/support/daemon-process.ts";
import { freePort } from "../test/support/port.ts";

const ROOT = join(import.meta.dir, "..");
const EXECUTABLE = join(ROOT, "dist/maxwells-daemon");

/** All visitors below this are the canary's, and the load's 0.123456789 is one of them. */
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

/** The compiled executable, if it was built. Its name says so if it is older than the source. */
export function executable(): Program | undefined {
  if (!existsSync(EXECUTABLE)) return undefined;
  const builtMs = statSync(EXECUTABLE).mtimeMs;
  const isOld = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).some(
    (path) => statSync(join(ROOT, "src", path)).mtimeMs > builtMs,
  );
  return { name: isOld ? "executable, older than src" : "executable", command: [EXECUTABLE] };
}

/** The paths and addresses of a daemon. */
export interface Place {
  readonly socket: string;
  /** The URL of its decisions over HTTP. */
  readonly decideUrl: string;
  /** Its whole command line. */
  readonly command: string[];
  readonly directory: string;
}

/** @param statsdPort the port on loopback that gets the daemon's metrics */
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

/** A running daemon. */
export interface Subject extends Place {
  readonly name: string;
  readonly pid: number;
  /** Its admin listener. */
  readonly adminUrl: string;
  /** The number of requests that it has answered over its socket, and of open connections there. */
  counts(): Promise<{ readonly answered: number; readonly connections: number }>;
  /**
   * Ends it. Rejects if it did not end well or sent no metrics, because then the measurement was of something
   * else.
   */
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
    // The same as in the launcher and in the systemd unit.
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
    adminUrl: daemon.adminUrl ?? "",
    async counts() {
      const line = (await daemon.state()).servers.find((server) => server.name.startsWith("line "));
      if (line === undefined) throw new Error("the state of the daemon has no socket");
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
