/**
 * What the daemon costs in front of each request: Envoy with the shipped file against the same Envoy without it.
 *
 * Both configurations are the shipped example with one worker, upstreams on unix sockets in an nginx that answers at once; the
 * bare one lacks exactly what belongs to the daemon. They take turns, as machines are busy at different times.
 *
 *     bun bench/envoy.ts            needs Envoy (npm test installs it), nginx, and wrk
 */

import { join } from "node:path";
import { DaemonHome } from "../test/support/daemon-process.ts";
import { envoyMissing, fillEnvoy, startEnvoy } from "../test/support/envoy.ts";
import { nginxMissing, startNginx } from "../test/support/nginx.ts";
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
  const missing =
    envoyMissing() ?? nginxMissing() ?? (Bun.which("wrk") ? undefined : "wrk is not installed");
  if (missing !== undefined) throw new Error(missing);

  const stops: (() => Promise<unknown>)[] = [];
  try {
    // Metrics go somewhere, as they do where it counts.
    const statsd = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } });
    stops.push(async () => statsd.close());
    const home = new DaemonHome({ records: { canary: 0.5 }, flags: ["-statsd", `127.0.0.1:${statsd.port}`] });
    stops.push(async () => home.remove());
    const [master, canary, asked] = ["master", "canary", "http"].map((name) =>
      join(home.directory, `${name}.sock`),
    ) as [string, string, string];
    const daemon = await home.start(["-http", `unix:${asked}`]);
    stops.push(() => daemon.end());
    const nginx = await startNginx(home.directory, await freePort(), upstream(master) + upstream(canary));
    stops.push(() => nginx.stop());
    const urls = new Map<string, string>();
    for (const kind of KINDS) {
      const port = await freePort();
      const { maintenanceFile } = home;
      const example = fillEnvoy({ port, master, canary, daemon: asked, maintenanceFile });
      const configuration = kind === "asks" ? example : withoutDaemon(example);
      const envoy = await startEnvoy(home.directory, port, configuration);
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
