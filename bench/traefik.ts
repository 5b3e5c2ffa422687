/** Traefik in its ways, on one processor: bare, and asking. */

import { readFileSync, writeFileSync } from "node:fs";
import {
  applicationPath,
  fillTraefik,
  startTraefik,
  traefikFlags,
  traefikMissing,
  traefikPorts,
} from "../test/support/traefik.ts";
import { type Contender, daemonOf, directoryOf, type Stops, startUpstreams } from "./ways.ts";

export const traefik: Contender = {
  name: "Traefik",
  missing: traefikMissing,
  ways: [
    { name: "bare", start: (stops) => start(false, stops) },
    { name: "asks", start: (stops) => start(true, stops) },
  ],
};

async function start(isAsked: boolean, stops: Stops): Promise<string> {
  const directory = directoryOf(stops);
  const ports = await traefikPorts();
  const { web, master, canary } = ports;
  await daemonOf(stops, traefikFlags("ask", ports), isAsked);
  await startUpstreams(stops, [`127.0.0.1:${master}`, `127.0.0.1:${canary}`]);
  const configuration = fillTraefik("ask", directory, ports);
  if (!isAsked) withoutDaemon(applicationPath(directory));
  const running = await startTraefik(configuration, web);
  stops.push(() => running.stop());
  return running.url;
}

/** One router, which sends all visitors to master. */
function withoutDaemon(path: string): void {
  const [, address] =
    /website-master:\n\s+loadBalancer:\n\s+servers:\n\s+- url: (\S+)/.exec(readFileSync(path, "utf8")) ?? [];
  const bare = `http:
  routers:
    website:
      rule: "PathPrefix(\`/\`)"
      entryPoints: [web]
      service: website-master
  services:
    website-master:
      loadBalancer:
        servers:
          - url: ${address}
`;
  writeFileSync(path, bare);
}
