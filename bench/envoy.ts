/**
 * What the daemon costs in front of each request: Envoy with the shipped file against the same Envoy without it.
 *
 * Both configurations are the shipped example with one worker, upstreams on unix sockets in an nginx that answers at once; the
 * bare one lacks exactly what belongs to the daemon. They take turns, as machines are busy at different times.
 *
 *     bun bench/envoy.ts            needs Envoy (npm test installs it), nginx, and wrk
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { envoyMissing, fillEnvoy, startEnvoy } from "../test/support/envoy.ts";
import { type Nginx, nginxMissing, startNginx } from "../test/support/nginx.ts";
import { freePort } from "../test/support/port.ts";
import { load, upstream } from "./nginx.ts";
import { median } from "./report.ts";

const TURNS = 7;
const SECONDS = 2;

const KINDS = ["bare", "asks"] as const;

/** Requests a second, of each turn. */
export interface EnvoyFigures {
  readonly bare: number[];
  readonly asks: number[];
}

export async function benchEnvoy({
  turns,
  seconds,
}: {
  turns: number;
  seconds: number;
}): Promise<EnvoyFigures> {
  const missing = envoyMissing() ?? nginxMissing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);

  const stops: (() => Promise<unknown>)[] = [];
  try {
    // Metrics go somewhere, as they do where it counts.
    const statsd = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
    stops.push(async () => statsd.close());
    const directory = mkdtempSync(join(tmpdir(), "envoy-"));
    stops.push(async () => rmSync(directory, { recursive: true }));
    const [master, canary, asked] = ["master", "canary", "http"].map((name) =>
      join(directory, `${name}.sock`),
    ) as [string, string, string];
    const home = new DaemonHome({
      records: { canary: 0.5 },
      flags: ["-http", `unix:${asked}`, "-statsd", `127.0.0.1:${statsd.port}`],
    });
    stops.push(async () => home.remove());
    const daemon = await home.start();
    stops.push(() => daemon.end());
    const nginx = await startUpstreams(directory, master, canary);
    stops.push(() => nginx.stop());
    const urls = new Map<string, string>();
    for (const kind of KINDS) {
      const port = await freePort();
      const { maintenanceFile } = home;
      const example = fillEnvoy({ port, master, canary, daemon: asked, maintenanceFile });
      const configuration = kind === "asks" ? example : withoutDaemon(example);
      const envoy = await startEnvoy(directory, port, configuration);
      stops.push(() => envoy.stop());
      urls.set(kind, envoy.url);
    }

    const figures: EnvoyFigures = { bare: [], asks: [] };
    for (const kind of KINDS) await load(`${urls.get(kind)}`, 1);
    for (let turn = 0; turn < turns; turn++) {
      for (const kind of KINDS) figures[kind].push(await load(`${urls.get(kind)}`, seconds));
    }
    return figures;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startUpstreams(directory: string, master: string, canary: string): Promise<Nginx> {
  const port = await freePort();
  // Only to see when it is there.
  const front = `server { listen 127.0.0.1:${port}; }\n`;
  return startNginx(directory, port, front + upstream(master) + upstream(canary));
}

/** What belongs to the daemon, by the comments that the example has in front of it. */
const DAEMONS: readonly RegExp[] = [
  / +# What visitors say of their location(.*\n)*?(?= +http_filters:)/,
  / +# Maintenance mode(.*\n)*?(?= +# Asks the daemon)/,
  / +# Asks the daemon(.*\n)*?(?= +- name: envoy.filters.http.router)/,
  / +- match: .*\n +route: { cluster: website_canary }\n/,
  / +request_headers_to_add:\n.*location.*\n/,
  / +# The daemon:(.*\n)*/,
];

/** The example without what belongs to the daemon. */
function withoutDaemon(example: string): string {
  return DAEMONS.reduce((text, part) => {
    if (!part.test(text)) throw new Error(`the example has no ${part}`);
    return text.replace(part, "");
  }, example);
}

if (import.meta.main) {
  const figures = await benchEnvoy({ turns: TURNS, seconds: SECONDS });
  const ratios = figures.asks.map((rate, turn) => rate / (figures.bare[turn] ?? Number.NaN));
  console.log(`bare Envoy       ${Math.round(median(figures.bare))} requests/s`);
  console.log(`with the daemon  ${Math.round(median(figures.asks))} requests/s`);
  console.log(`ratio            ${(median(figures.asks) / median(figures.bare)).toFixed(3)}`);
  console.log(`ratio by turn    ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}`);
}
