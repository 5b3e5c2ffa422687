/**
 * What the daemon costs in front of each request: nginx with the shipped Lua against the same nginx without it.
 *
 * Both configurations are the shipped example, one worker, upstreams on unix sockets that answer in the same nginx;
 * the bare one lacks exactly what belongs to the daemon. They take turns, as machines are busy at different times.
 *
 *     bun bench/nginx.ts            needs nginx with Lua, and wrk
 */

import { join } from "node:path";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { fillExample, installPage, nginxMissing, startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { median } from "./report.ts";

const CONNECTIONS = 32;
const TURNS = 7;
const SECONDS = 2;

/** Requests a second, of each turn. */
export interface NginxFigures {
  readonly bare: number[];
  readonly lua: number[];
}

export async function benchNginx({
  turns,
  seconds,
}: {
  turns: number;
  seconds: number;
}): Promise<NginxFigures> {
  const missing = nginxMissing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);

  const stops: (() => Promise<unknown>)[] = [];
  try {
    const urls: Record<"bare" | "lua", string> = { bare: "", lua: "" };
    for (const kind of ["bare", "lua"] as const) {
      // Metrics go somewhere, as they do where it counts.
      const statsd = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
      stops.push(async () => statsd.close());
      const home = new DaemonHome({
        records: { canary: 0.5 },
        flags: ["-statsd", `127.0.0.1:${statsd.port}`],
      });
      stops.push(async () => home.remove());
      if (kind === "lua") {
        const daemon = await home.start();
        stops.push(() => daemon.end());
      }
      const port = await freePort();
      installPage(home.directory);
      const places = {
        daemon: home.socket,
        master: join(home.directory, "master.sock"),
        canary: join(home.directory, "canary.sock"),
        maintenanceFile: home.maintenanceFile,
        page: join(home.directory, "share"),
      };
      const example = fillExample("ask", port, places);
      const http = kind === "lua" ? example : withoutDaemon(example);
      const nginx = await startNginx(
        home.directory,
        port,
        http + upstream(places.master) + upstream(places.canary),
      );
      stops.push(() => nginx.stop());
      urls[kind] = nginx.url;
    }

    const figures: NginxFigures = { bare: [], lua: [] };
    for (const kind of ["bare", "lua"] as const) await load(urls[kind], 1);
    for (let turn = 0; turn < turns; turn++) {
      for (const kind of ["bare", "lua"] as const) figures[kind].push(await load(urls[kind], seconds));
    }
    return figures;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function upstream(path: string): string {
  return `server { listen unix:${path}; keepalive_requests 1000000; location / { return 200 "ok"; } }\n`;
}

/** The example without what belongs to the daemon. */
function withoutDaemon(example: string): string {
  return example
    .replace("http://$website_upstream", "http://website_master")
    .replace(/^\s*(set \$maxwells|rewrite_by_lua_block|proxy_set_header maxwells).*$/gm, "")
    .replace(/^map \$maxwells_location[^}]*}/m, "")
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
  const figures = await benchNginx({ turns: TURNS, seconds: SECONDS });
  const ratios = figures.lua.map((rate, turn) => rate / (figures.bare[turn] ?? Number.NaN));
  console.log(`bare nginx       ${Math.round(median(figures.bare))} requests/s`);
  console.log(`with the daemon  ${Math.round(median(figures.lua))} requests/s`);
  console.log(`ratio            ${(median(figures.lua) / median(figures.bare)).toFixed(3)}`);
  console.log(`ratio by turn    ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}`);
}
