/** Caddy in its ways, on one processor: bare, and asking. */

import { join } from "node:path";
import { caddyMissing, fillCaddyfile, startCaddy } from "../test/support/caddy.ts";
import { freePort } from "../test/support/port.ts";
import { type Contender, daemonOf, directoryOf, type Stops, startUpstreams } from "./ways.ts";

export const caddy: Contender = {
  name: "Caddy",
  missing: caddyMissing,
  ways: [
    { name: "bare", start: (stops) => start(false, stops) },
    { name: "asks", start: (stops) => start(true, stops) },
  ],
};

async function start(isAsked: boolean, stops: Stops): Promise<string> {
  const directory = directoryOf(stops);
  const [daemon, master, canary] = [
    join(directory, "daemon.sock"),
    join(directory, "master.sock"),
    join(directory, "canary.sock"),
  ];
  const { maintenanceFile } = await daemonOf(stops, ["-http", `unix:${daemon}`], isAsked);
  await startUpstreams(stops, [`unix:${master}`, `unix:${canary}`]);
  const port = await freePort();
  const example = fillCaddyfile({ directory, port, maintenanceFile, daemon, master, canary });
  const caddyfile = isAsked ? example : withoutDaemon(example);
  const running = await startCaddy(directory, port, caddyfile, { GOMAXPROCS: "1" });
  stops.push(() => running.stop());
  return running.url;
}

/** The example without the daemon's lines: Caddy asks no daemon, and master serves all visitors. */
function withoutDaemon(example: string): string {
  const bare = example
    .replace(/^\(maxwells-\w+\) {[\s\S]*?^}/gm, "")
    .replace(/^\tlog (maxwells )?{[\s\S]*?^\t}/gm, "")
    .replace(/^\t@maintenance [\s\S]*?^\t}/m, "")
    .replace(/^\troute {[\s\S]*?^\t}/m, "\timport master")
    .replace(/^\thandle_errors {[\s\S]*?^\t}/m, "")
    .replace(/^\t+(request_header |header |header_down -)maxwells.*$/gm, "");
  if (/maxwells/.test(bare.replace(/^\s*#.*|unix\S*|storage.*/gm, ""))) throw new Error(`not bare:\n${bare}`);
  return bare;
}
