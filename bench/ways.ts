/**
 * A proxy in its ways: bare, and with the daemon. The common part is here, so a proxy's own file only says
 * how to start each way.
 *
 * All ways of a proxy run at the same time and take turns under load, because a machine is busy at some times
 * and not at others. The upstreams are in an nginx and take no time, one thread serves, and metrics go to a
 * socket that is read.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { compile } from "./line.ts";

const CONNECTIONS = 32;

/**
 * All visitors are the same one. If half of the turns had visitors of the canary, the turns would not
 * compare.
 */
const COOKIE = "Cookie: maxwellsdaemon=0.42";

/** The functions that end all that was started, in the order of the starts. */
export type Stops = (() => Promise<unknown>)[];

/** One way to serve the upstreams. */
export interface Way {
  readonly name: string;
  /** The least share of bare that is good; absent if there is no bound. */
  readonly atLeast?: number;
  /** Another way by its name. This way may be slower than that one by a twentieth at most. */
  readonly besides?: string;
  /** Starts it with all that it needs; resolves with its address. */
  start(stops: Stops): Promise<string>;
}

/** A proxy to be measured. */
export interface Contender {
  readonly name: string;
  /** The reason why it cannot run here; undefined if it can. */
  missing(): string | undefined;
  /** The first way is bare. */
  readonly ways: readonly Way[];
}

/** A directory that is removed at the end. */
export function directoryOf(stops: Stops): string {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  stops.push(async () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A daemon as operators run it, with the canary at half. It is started only if `isAsked`. */
export async function daemonOf(
  stops: Stops,
  flags: readonly string[],
  isAsked: boolean,
): Promise<DaemonHome> {
  const statsd = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
  stops.push(async () => statsd.close());
  const home = new DaemonHome({
    records: { canary: 0.5 },
    flags: ["-statsd", `127.0.0.1:${statsd.port}`, ...flags],
  });
  stops.push(async () => home.remove());
  if (isAsked) {
    const daemon = await home.start();
    stops.push(() => daemon.end());
  }
  return home;
}

/** An upstream in nginx: a server for its http block. */
export function fastServer(address: string): string {
  return `server { listen ${address}; keepalive_requests 1000000; location / { return 200 "ok"; } }\n`;
}

/** Starts upstreams at these addresses (`unix:PATH`, `127.0.0.1:PORT`), in an nginx of their own. */
export async function startUpstreams(stops: Stops, addresses: readonly string[]): Promise<void> {
  const port = await freePort();
  const servers = [`127.0.0.1:${port}`, ...addresses].map(fastServer).join("");
  const nginx = await startNginx(directoryOf(stops), port, servers);
  stops.push(() => nginx.stop());
}

/** Starts all ways of a proxy, lets `use` work with their addresses, and ends them. */
export async function withWays<T>(
  ways: readonly Way[],
  use: (urls: ReadonlyMap<Way, string>) => Promise<T>,
): Promise<T> {
  const stops: Stops = [];
  try {
    const urls = new Map<Way, string>();
    for (const way of ways) urls.set(way, await way.start(stops));
    return await use(urls);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Requests a second of each way, turn by turn. */
export async function takeTurns(
  urls: ReadonlyMap<Way, string>,
  turns: number,
  seconds: number,
): Promise<Map<Way, number[]>> {
  const rates = new Map([...urls.keys()].map((way) => [way, [] as number[]]));
  for (const url of urls.values()) await load(url, 1);
  for (let turn = 0; turn < turns; turn++) {
    for (const [way, url] of urls) rates.get(way)?.push(await load(url, seconds));
  }
  return rates;
}

/** One turn of wrk. Resolves with requests a second. */
export async function load(url: string, seconds: number): Promise<number> {
  // biome-ignore format: a flag and its value
  const child = Bun.spawn([
    "wrk", "-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`, "-H", COOKIE, `${url}/`,
  ], { stdout: "pipe", stderr: "inherit" });
  const report = await new Response(child.stdout).text();
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]);
  if (!(rate > 0) || /Non-2xx|Socket errors/.test(report)) throw new Error(`wrk saw errors:\n${report}`);
  return rate;
}

/** The waits of visitors, in milliseconds, at random moments and at this rate in requests a second. */
export type Wait = (url: string, rate: number, seconds: number) => Promise<Waits>;

export interface Waits {
  /** Requests that were answered in a second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Compiles `wait-load.c`. */
export async function buildWait(): Promise<Wait> {
  const program = await compile("wait-load", ["-lm"]);
  return async (url, rate, seconds) => {
    const { hostname, port } = new URL(url);
    const child = Bun.spawn([program, hostname, port, String(rate), String(seconds)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [report, errors] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) !== 0) throw new Error(`wait-load saw errors: ${errors}`);
    const figures = JSON.parse(report) as Record<"requests" | "seconds" | "p50Us" | "p99Us", number>;
    const { requests, seconds: took, p50Us, p99Us } = figures;
    return { rate: requests / took, p50Ms: p50Us / 1_000, p99Ms: p99Us / 1_000 };
  };
}
