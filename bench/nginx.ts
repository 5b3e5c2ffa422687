/**
 * nginx in its ways, each with one worker:
 *
 *     bare           the example without the daemon's lines
 *     split_clients  nginx's own split, fixed in the configuration, with the same headers for upstreams
 *     lease, ask, auth_request   the shipped examples
 *
 *     bun bench/nginx.ts [TURNS [SECONDS]]           needs nginx with Lua, and wrk
 */

import { join } from "node:path";
import { fillExample, installPage, type NginxWay, nginxMissing, startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { wrkSeconds } from "./http.ts";
import { median, type Row, revisionRow } from "./report.ts";
import type { Revision } from "./revision.ts";
import type { Setup } from "./setup.ts";
import {
  type Contender,
  daemonOf,
  directoryOf,
  fastServer,
  type Stops,
  takeTurns,
  withWays,
} from "./ways.ts";

const TURNS = 7;
const SECONDS = 2;

export const nginx: Contender = {
  name: "nginx",
  missing: nginxMissing,
  ways: [
    { name: "bare", start: (stops) => start("lease", stops, withoutDaemon) },
    { name: "split_clients", start: (stops) => start("lease", stops, withSplitClients) },
    { name: "lease", atLeast: 0.95, besides: "split_clients", start: (stops) => start("lease", stops) },
    { name: "ask", atLeast: 0.55, start: (stops) => start("ask", stops) },
    { name: "auth_request", atLeast: 0.5, start: (stops) => start("auth-request", stops) },
  ],
};

/** Requests a second of each turn, by the way's name. Rejects if nginx, its Lua module or wrk is missing. */
export async function benchNginxWays({
  turns,
  seconds,
  names = nginx.ways.map(({ name }) => name),
}: {
  readonly turns: number;
  readonly seconds: number;
  readonly names?: readonly string[];
}): Promise<Record<string, number[]>> {
  const missing = nginx.missing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);
  const ways = nginx.ways.filter(({ name }) => names.includes(name));
  const rates = await withWays(ways, (urls) => takeTurns(urls, turns, seconds));
  return Object.fromEntries([...rates].map(([{ name }, figures]) => [name, figures]));
}

/** Requests a second of each turn, for nginx that asks and for bare nginx. */
export async function benchNginx(turns: {
  readonly turns: number;
  readonly seconds: number;
}): Promise<{ readonly bare: number[]; readonly lua: number[] }> {
  const { bare = [], ask = [] } = await benchNginxWays({ ...turns, names: ["bare", "ask"] });
  return { bare, lua: ask };
}

/**
 * Compares each way of this revision with the same way of another revision, by their shares of bare, because
 * each revision starts an nginx of its own. The revisions take turns, each in a process that runs its own
 * version of this file.
 */
export async function benchNginxAgainst(setup: Setup, { name, directory }: Revision): Promise<Row[]> {
  const shares = { ours: new Map<string, number[]>(), theirs: new Map<string, number[]>() };
  for (let turn = 0; turn < setup.turns; turn++) {
    for (const [whose, root] of [
      ["ours", join(import.meta.dir, "..")],
      ["theirs", directory],
    ] as const) {
      for (const [way, share] of await oneTurn(root, wrkSeconds(setup))) {
        shares[whose].set(way, [...(shares[whose].get(way) ?? []), share]);
        setup.say(`nginx, turn ${turn + 1}, ${way}, ${whose}: ${share} of bare`);
      }
    }
  }
  return nginx.ways.flatMap((way) => {
    const [ours, theirs] = [shares.ours.get(way.name), shares.theirs.get(way.name)];
    if (way.name === "bare" || ours === undefined || theirs === undefined) return [];
    const what = `nginx, ${way.name}, share of bare, of revision ${name}`;
    return [revisionRow(what, ours, theirs, (share) => share.toFixed(3), "")];
  });
}

/** One turn of every way of a checkout. Resolves with shares of bare, by the way's name. */
async function oneTurn(root: string, seconds: number): Promise<[way: string, share: number][]> {
  const child = Bun.spawn([process.execPath, join(root, "bench/nginx.ts"), "1", String(seconds)], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const report = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`bench/nginx.ts failed in ${root}`);
  const lines = report.matchAll(/^(\S+) +\d+ requests\/s +([\d.]+) of bare/gm);
  return [...lines].map(([, way = "", share]) => [way, Number(share)]);
}

/** Starts an nginx with its daemon; resolves with its address. No way reports outcomes. */
async function start(way: NginxWay, stops: Stops, change?: (example: string) => string): Promise<string> {
  const { url } = await startWay(way, stops, {
    isAsked: change === undefined,
    change: (example) => withoutReports(change?.(example) ?? example),
  });
  return url;
}

/**
 * Starts an nginx, and perhaps its daemon; resolves with its address and its process.
 *
 * @param change changes the example's configuration
 */
export async function startWay(
  way: NginxWay,
  stops: Stops,
  { isAsked, change }: { readonly isAsked: boolean; change(example: string): string },
): Promise<{ readonly url: string; readonly pid: number }> {
  const directory = directoryOf(stops);
  const http = join(directory, "http.sock");
  const [port, standInPort, outcomesPort] = [await freePort(), await freePort(), await freePort()];
  const flags = ["-http", `unix:${http}`, "-outcomes", `127.0.0.1:${outcomesPort}`];
  const home = await daemonOf(stops, flags, isAsked);
  installPage(directory);
  const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
  const example = fillExample(way, port, {
    ...{ master, canary, daemon: way === "auth-request" ? http : home.socket, standInPort, outcomesPort },
    ...{ maintenanceFile: home.maintenanceFile, page: join(directory, "share") },
  });
  const upstreams = [master, canary].map((path) => fastServer(`unix:${path}`)).join("");
  const running = await startNginx(directory, port, withoutLog(change(example)) + upstreams);
  stops.push(() => running.stop());
  return running;
}

/** The example without the daemon's lines. */
function withoutDaemon(example: string): string {
  return withoutLua(example).replace(
    /^\s*(add_header .* \$maxwells|expires|proxy_set_header maxwells|if \(\$maxwells).*$/gm,
    "",
  );
}

/** The example with nginx's own split in the daemon's place. */
function withSplitClients(example: string): string {
  const split = "split_clients $cookie_maxwellsdaemon $maxwells_location { 50% canary; * master; }\n";
  return (
    split +
    withoutLua(example)
      .replace(/^map "" \$maxwells_location .*$/m, "")
      .replace(/^\s*(add_header .* \$maxwells|expires).*$/gm, "")
      .replace("$maxwells_assignment;", "$cookie_maxwellsdaemon;")
  );
}

function withoutLua(example: string): string {
  return example
    .replace(
      /^\s*(set \$maxwells|set_by_lua_block|init_worker_by_lua|if \(\$maxwells_location = maintenance|lua_).*$/gm,
      "",
    )
    .replace(/^init_by_lua_block {[\s\S]*?^}/m, "");
}

/** No way writes a log, so the ways differ only in the measured part. */
function withoutLog(example: string): string {
  return example.replace(/^access_log \/.*$/m, "");
}

/** The example without its reports to the daemon. */
export function withoutReports(example: string): string {
  return example.replace(/^(access_log syslog:|log_by_lua_block ).*$/m, "");
}

if (import.meta.main) {
  const [turns = TURNS, seconds = SECONDS] = process.argv.slice(2).map(Number);
  const rates = await benchNginxWays({ turns, seconds });
  for (const [name, figures] of Object.entries(rates)) {
    const shares = figures.map((rate, turn) => rate / (rates["bare"]?.[turn] ?? Number.NaN));
    const spread = `${Math.min(...shares).toFixed(2)}–${Math.max(...shares).toFixed(2)}`;
    const rate = String(Math.round(median(figures))).padStart(7);
    console.log(
      `${name.padEnd(14)}${rate} requests/s  ${median(shares).toFixed(3)} of bare, turns ${spread}`,
    );
  }
}
