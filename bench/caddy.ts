/**
 * What the daemon costs in front of each request: Caddy with the shipped Caddyfile against the same Caddy without it.
 *
 * Both configurations are the shipped one, on one processor (GOMAXPROCS=1), with upstreams on unix sockets that answer in
 * one nginx; the bare one lacks exactly what belongs to the daemon. They take turns, as machines are busy at different times.
 *
 *     bun bench/caddy.ts            needs Caddy, nginx and wrk
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caddyMissing, fillCaddyfile, startCaddy } from "../test/support/caddy.ts";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { nginxMissing, startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { median } from "./report.ts";

const CONNECTIONS = 32;
const TURNS = 7;
const SECONDS = 2;

/** Requests a second, of each turn. */
export interface CaddyFigures {
  readonly bare: number[];
  readonly asks: number[];
}

export async function benchCaddy({
  turns,
  seconds,
}: {
  turns: number;
  seconds: number;
}): Promise<CaddyFigures> {
  const missing = caddyMissing() ?? nginxMissing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);

  const stops: (() => Promise<unknown>)[] = [];
  try {
    const urls: Record<keyof CaddyFigures, string> = { bare: "", asks: "" };
    for (const kind of ["bare", "asks"] as const) {
      // Metrics go somewhere, as they do where it counts.
      const statsd = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
      stops.push(async () => statsd.close());
      const directory = mkdtempSync(join(tmpdir(), "bench-caddy-"));
      stops.push(async () => rmSync(directory, { recursive: true }));
      const path = (name: string) => join(directory, `${name}.sock`);
      const home = new DaemonHome({
        records: { canary: 0.5 },
        flags: ["-statsd", `127.0.0.1:${statsd.port}`, "-http", `unix:${path("daemon")}`],
      });
      stops.push(async () => home.remove());
      if (kind === "asks") {
        const daemon = await home.start();
        stops.push(() => daemon.end());
      }
      const nginxPort = await freePort();
      const upstreams = [`127.0.0.1:${nginxPort}`, `unix:${path("master")}`, `unix:${path("canary")}`];
      const nginx = await startNginx(directory, nginxPort, upstreams.map(upstream).join("\n"));
      stops.push(() => nginx.stop());
      const port = await freePort();
      const example = fillCaddyfile({
        ...{ directory, port, maintenanceFile: home.maintenanceFile },
        ...{ daemon: path("daemon"), master: path("master"), canary: path("canary") },
      });
      const caddyfile = kind === "asks" ? example : withoutDaemon(example);
      const caddy = await startCaddy(directory, port, caddyfile, { GOMAXPROCS: "1" });
      stops.push(() => caddy.stop());
      urls[kind] = caddy.url;
    }

    const figures: CaddyFigures = { bare: [], asks: [] };
    for (const kind of ["bare", "asks"] as const) await load(urls[kind], 1);
    for (let turn = 0; turn < turns; turn++) {
      for (const kind of ["bare", "asks"] as const) figures[kind].push(await load(urls[kind], seconds));
    }
    return figures;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function upstream(address: string): string {
  return `server { listen ${address}; keepalive_requests 1000000; location / { return 200 "ok"; } }`;
}

/** The example without what belongs to the daemon: nobody is asked, and everyone is served by master. */
function withoutDaemon(example: string): string {
  const bare = example
    .replace(/^\(maxwells-(daemon|answer)\) {[\s\S]*?^}/gm, "")
    .replace(/^\t@maintenance [\s\S]*?^\t}/m, "")
    .replace(/^\troute {[\s\S]*?^\t}/m, "\timport master")
    .replace(/^\thandle_errors {[\s\S]*?^\t}/m, "")
    .replace(/^\trequest_header maxwells.*$/gm, "");
  if (/maxwells/.test(bare.replace(/^\s*#.*|unix\S*|storage.*/gm, ""))) throw new Error(`not bare:\n${bare}`);
  return bare;
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
  const figures = await benchCaddy({ turns: TURNS, seconds: SECONDS });
  const ratios = figures.asks.map((rate, turn) => rate / (figures.bare[turn] ?? Number.NaN));
  console.log(`bare Caddy       ${Math.round(median(figures.bare))} requests/s`);
  console.log(`with the daemon  ${Math.round(median(figures.asks))} requests/s`);
  console.log(`ratio            ${(median(figures.asks) / median(figures.bare)).toFixed(3)}`);
  console.log(`ratio by turn    ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}`);
}
