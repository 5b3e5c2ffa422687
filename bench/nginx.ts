/**
 * What the daemon costs in front of each request: nginx in each of its ways against the same nginx without them.
 *
 *     bare           the example without what belongs to the daemon
 *     split_clients  nginx's own split, fixed in the configuration, with the same headers for upstreams
 *     lease, ask, auth-request   as they are shipped
 *
 * All have one worker, and upstreams on unix sockets that answer in the same nginx. They take turns, as machines are busy
 * at different times.
 *
 *     bun bench/nginx.ts [TURNS [SECONDS]]           needs nginx with Lua, and wrk
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { fillExample, installPage, type NginxWay, nginxMissing, startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { median } from "./report.ts";

const CONNECTIONS = 32;
const TURNS = 7;
const SECONDS = 2;

/** What is measured: without the daemon, then with it. */
export const NGINX_WAYS = ["bare", "split_clients", "lease", "ask", "auth-request"] as const;
export type MeasuredWay = (typeof NGINX_WAYS)[number];

/** Requests a second of each turn, by way. */
export type NginxRates = Readonly<Record<MeasuredWay, number[]>>;

export interface NginxTurns {
  readonly turns: number;
  readonly seconds: number;
  /** All of them by default; those that are left out have no turns. */
  readonly ways?: readonly MeasuredWay[];
}

/** Measures nginx in its ways, turn by turn; rejects where nginx, its Lua module or wrk is missing. */
export async function benchNginxWays({ turns, seconds, ways = NGINX_WAYS }: NginxTurns): Promise<NginxRates> {
  const missing = nginxMissing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);

  const stops: (() => Promise<unknown>)[] = [];
  try {
    const urls = new Map<MeasuredWay, string>();
    for (const way of ways) urls.set(way, await start(way, stops));
    const rates: NginxRates = { bare: [], split_clients: [], lease: [], ask: [], "auth-request": [] };
    for (const url of urls.values()) await load(url, 1);
    for (let turn = 0; turn < turns; turn++) {
      for (const [way, url] of urls) rates[way].push(await load(url, seconds));
    }
    return rates;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** nginx that asks, and without the daemon. */
export async function benchNginx(
  turns: Omit<NginxTurns, "ways">,
): Promise<{ readonly bare: number[]; readonly lua: number[] }> {
  const { bare, ask } = await benchNginxWays({ ...turns, ways: ["bare", "ask"] });
  return { bare, lua: ask };
}

/** Starts an nginx, and its daemon if it has one; resolves with its address. What ends them comes to `stops`. */
async function start(way: MeasuredWay, stops: (() => Promise<unknown>)[]): Promise<string> {
  // Metrics go somewhere, as they do where it counts.
  const statsd = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
  stops.push(async () => statsd.close());
  const directory = mkdtempSync(join(tmpdir(), "nginx-"));
  stops.push(async () => rmSync(directory, { recursive: true, force: true }));
  const http = join(directory, "http.sock");
  const home = new DaemonHome({
    records: { canary: 0.5 },
    flags: ["-statsd", `127.0.0.1:${statsd.port}`, "-http", `unix:${http}`],
  });
  stops.push(async () => home.remove());
  const shipped: NginxWay = way === "bare" || way === "split_clients" ? "lease" : way;
  if (shipped === way) {
    const running = await home.start();
    stops.push(() => running.end());
  }

  const port = await freePort();
  installPage(directory);
  const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
  const daemon = way === "auth-request" ? http : home.socket;
  const example = fillExample(shipped, port, {
    ...{ master, canary, daemon, maintenanceFile: home.maintenanceFile },
    ...{ page: join(directory, "share"), standInPort: await freePort() },
  });
  const configuration =
    way === "bare" ? withoutDaemon(example) : way === "split_clients" ? withSplitClients(example) : example;
  const nginx = await startNginx(directory, port, configuration + upstream(master) + upstream(canary));
  stops.push(() => nginx.stop());
  return nginx.url;
}

function upstream(path: string): string {
  return `server { listen unix:${path}; keepalive_requests 1000000; location / { return 200 "ok"; } }\n`;
}

/** The example without what belongs to the daemon. */
function withoutDaemon(example: string): string {
  return withoutLua(example)
    .replace("http://$website_upstream", "http://website_master")
    .replace(/^\s*(add_header Set-Cookie|proxy_set_header maxwells).*$/gm, "")
    .replace(/^map \$maxwells_location[^}]*}/m, "");
}

/** The example with nginx's own split in the daemon's place. */
function withSplitClients(example: string): string {
  const split = "split_clients $cookie_maxwellsdaemon $maxwells_location { 50% canary; * master; }\n";
  return (
    split +
    withoutLua(example)
      .replace(/^\s*add_header Set-Cookie.*$/gm, "")
      .replace("$maxwells_assignment;", "$cookie_maxwellsdaemon;")
  );
}

function withoutLua(example: string): string {
  return example
    .replace(/^\s*(set \$maxwells|set_by_lua_block|if \(\$maxwells|init_worker_by_lua|lua_).*$/gm, "")
    .replace(/^init_by_lua_block {[\s\S]*?^}/m, "");
}

/** One turn of wrk; requests a second. */
async function load(url: string, seconds: number): Promise<number> {
  // biome-ignore format: a flag and its value
  const child = Bun.spawn([
    "wrk", "-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`,
    "-H", "Cookie: maxwellsdaemon=0.42", `${url}/`,
  ], { stdout: "pipe", stderr: "inherit" });
  const report = await new Response(child.stdout).text();
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]);
  if (!(rate > 0) || /Non-2xx|Socket errors/.test(report)) throw new Error(`wrk saw errors:\n${report}`);
  return rate;
}

if (import.meta.main) {
  const [turns = TURNS, seconds = SECONDS] = process.argv.slice(2).map(Number);
  const rates = await benchNginxWays({ turns, seconds });
  for (const way of NGINX_WAYS) {
    const ratios = rates[way].map((rate, turn) => rate / (rates.bare[turn] ?? Number.NaN));
    const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    const rate = String(Math.round(median(rates[way]))).padStart(7);
    console.log(`${way.padEnd(14)}${rate} requests/s  ${median(ratios).toFixed(3)} of bare, turns ${spread}`);
  }
}
