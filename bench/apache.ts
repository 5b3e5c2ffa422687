/**
 * What the daemon costs in front of each request: Apache httpd with the shipped site against the same one without it.
 *
 * Both are the shipped site in an httpd of two processes with the event MPM, and upstreams in an nginx; the bare one lacks
 * exactly what belongs to the daemon. They take turns, as machines are busy at different times.
 *
 *     bun bench/apache.ts            needs Apache httpd, nginx and wrk
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  apacheMissing,
  fillSite,
  installFiles,
  mapPath,
  openTo,
  startApache,
  wholeConfiguration,
} from "../test/support/apache.ts";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { nginxMissing, startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { median } from "./report.ts";

const CONNECTIONS = 32;
const TURNS = 7;
const SECONDS = 2;

/** Requests a second, of each turn. */
export interface ApacheFigures {
  readonly bare: number[];
  readonly decides: number[];
}

const KINDS = ["bare", "decides"] as const;

export async function benchApache({
  turns,
  seconds,
}: {
  turns: number;
  seconds: number;
}): Promise<ApacheFigures> {
  const missing =
    apacheMissing() ?? nginxMissing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);

  const stops: (() => Promise<unknown>)[] = [];
  try {
    const urls = { bare: "", decides: "" };
    for (const kind of KINDS) urls[kind] = await start(kind, stops);
    const figures: ApacheFigures = { bare: [], decides: [] };
    for (const kind of KINDS) await load(urls[kind], 1);
    for (let turn = 0; turn < turns; turn++) {
      for (const kind of KINDS) figures[kind].push(await load(urls[kind], seconds));
    }
    return figures;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** An httpd, with its upstreams and its daemon; where visitors come to. */
async function start(kind: (typeof KINDS)[number], stops: (() => Promise<unknown>)[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "bench-apache-"));
  stops.push(async () => rmSync(directory, { recursive: true, force: true }));
  const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
  const alive = await freePort();
  const versions = [`127.0.0.1:${alive}`, `unix:${master}`, `unix:${canary}`].map(upstream).join("");
  const nginx = await startNginx(directory, alive, versions);
  stops.push(() => nginx.stop());

  const home = new DaemonHome({
    records: { canary: 0.5 },
    flags: ["-apache-map", mapPath(directory)],
  });
  stops.push(async () => home.remove());
  installFiles(directory);
  openTo(home, [master, canary]);
  if (kind === "decides") {
    const daemon = await home.start();
    stops.push(() => daemon.end());
  }
  const port = await freePort();
  const { maintenanceFile } = home;
  const site = fillSite({ directory, port, master, canary, maintenanceFile });
  const text = kind === "decides" ? site : withoutDaemon(site, master);
  const apache = await startApache(directory, port, wholeConfiguration(directory, text));
  stops.push(() => apache.stop());
  return apache.url;
}

function upstream(address: string): string {
  return `server { listen ${address}; keepalive_requests 1000000; location / { return 200 "ok"; } }\n`;
}

/** The site without what belongs to the daemon. */
function withoutDaemon(site: string, master: string): string {
  return site
    .replace(/^\s*(Rewrite|RequestHeader \S+ +(maxwells|Connection)|Header always add).*$/gm, "")
    .replace("ProxyPassInterpolateEnv On", "")
    .replace(/ProxyPass \/ .*/, `ProxyPass / "unix:${master}|http://website-master/"`);
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
  const figures = await benchApache({ turns: TURNS, seconds: SECONDS });
  const ratios = figures.decides.map((rate, turn) => rate / (figures.bare[turn] ?? Number.NaN));
  console.log(`bare Apache      ${Math.round(median(figures.bare))} requests/s`);
  console.log(`with the daemon  ${Math.round(median(figures.decides))} requests/s`);
  console.log(`ratio            ${(median(figures.decides) / median(figures.bare)).toFixed(3)}`);
  console.log(`ratio by turn    ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}`);
}
