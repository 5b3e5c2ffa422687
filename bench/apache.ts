/** Apache httpd in its ways: bare, and deciding by the daemon's map; two processes with the event MPM. */

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
import { freePort } from "../test/support/port.ts";
import { type Contender, daemonOf, directoryOf, type Stops, startUpstreams } from "./ways.ts";

export const apache: Contender = {
  name: "Apache",
  missing: apacheMissing,
  ways: [
    { name: "bare", start: (stops) => start(false, stops) },
    { name: "map", start: (stops) => start(true, stops) },
  ],
};

async function start(isAsked: boolean, stops: Stops): Promise<string> {
  const directory = directoryOf(stops);
  const home = await daemonOf(stops, ["-apache-map", mapPath(directory)], isAsked);
  const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
  await startUpstreams(stops, [`unix:${master}`, `unix:${canary}`]);
  installFiles(directory);
  openTo(home, [master, canary]);
  const port = await freePort();
  const { maintenanceFile } = home;
  const site = fillSite({ directory, port, master, canary, maintenanceFile });
  // No way writes a log, so the ways differ only in the measured part.
  const silent = site.replace(/^\s*GlobalLog .*$/m, "");
  const text = isAsked ? silent : withoutDaemon(silent, master);
  const running = await startApache(directory, port, wholeConfiguration(directory, text));
  stops.push(() => running.stop());
  return running.url;
}

/** The site without the daemon's lines. */
function withoutDaemon(site: string, master: string): string {
  return site
    .replace(/^\s*#?(Rewrite|RequestHeader \S+ +(maxwells|Connection)|Header .*MAXWELLS).*$/gm, "")
    .replace("ProxyPassInterpolateEnv On", "")
    .replace(/ProxyPass \/ .*/, `ProxyPass / "unix:${master}|http://website-master/"`);
}
