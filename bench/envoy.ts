/** Envoy in its ways: bare, and asking. */

import { join } from "node:path";
import { envoyMissing, fillEnvoy, startEnvoy } from "../test/support/envoy.ts";
import { freePort } from "../test/support/port.ts";
import { type Contender, daemonOf, directoryOf, type Stops, startUpstreams } from "./ways.ts";

export const envoy: Contender = {
  name: "Envoy",
  missing: envoyMissing,
  ways: [
    { name: "bare", start: (stops) => start(false, stops) },
    { name: "ext_authz", start: (stops) => start(true, stops) },
  ],
};

async function start(isAsked: boolean, stops: Stops): Promise<string> {
  const directory = directoryOf(stops);
  const daemon = join(directory, "http.sock");
  const { maintenanceFile } = await daemonOf(stops, ["-http", `unix:${daemon}`], isAsked);
  const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
  await startUpstreams(stops, [`unix:${master}`, `unix:${canary}`]);
  const port = await freePort();
  const configuration = fillEnvoy({ port, master, canary, daemon, maintenanceFile, log: "/dev/null" });
  const running = await startEnvoy(directory, port, isAsked ? configuration : withoutDaemon(configuration));
  stops.push(() => running.stop());
  return running.url;
}

/** The daemon's parts, found by the comments before them in the file. */
const DAEMONS: readonly RegExp[] = [
  / +# One line a request(.*\n)*?(?= +# Headers that only the daemon)/,
  / +# Headers that only the daemon(.*\n)*?(?= +http_filters:)/,
  / +response_headers_to_add:.*\n/,
  / +# Maintenance mode(.*\n)*?(?= +# Asks the daemon)/,
  / +# Asks the daemon(.*\n)*?(?= +- name: envoy.filters.http.router)/,
  / +- match: .*\n +route: { cluster: website_canary }\n/,
  / +request_headers_to_add:\n.*location.*\n/,
  / +# The daemon:(.*\n)*/,
];

/** The configuration without the daemon's parts: master serves all visitors. */
function withoutDaemon(configuration: string): string {
  const bare = DAEMONS.reduce((text, part) => text.replace(part, ""), configuration);
  // The names of temporary directories do not count.
  if (/^ *[^# ].*maxwells/m.test(bare.replace(/path: \S+/g, ""))) throw new Error(`not bare:\n${bare}`);
  return bare;
}
