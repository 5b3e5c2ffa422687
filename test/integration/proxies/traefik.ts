/**
 * Traefik, which asks for each request before a second layer of routers, or draws slices that the daemon
 * vouches for.
 */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  applicationPath,
  fillTraefik,
  SLICE_COOKIE,
  startTraefik,
  type TraefikPorts,
  type TraefikWay,
  traefikFlags,
  traefikLogIn,
  traefikMissing,
} from "../../support/traefik.ts";
import type { DaemonPlaces, Integration, OperatorChanges, Places } from "../conformance/integration.ts";

const PAGE = join(import.meta.dir, "../../../integrations/nginx/maintenance.html");

const NO_MAINTENANCE = "Traefik has maintenance mode with `slices/`, not with `ask/`";

/** Traefik cannot see an upstream's Cache-Control. */
const NEW_COOKIE = ["no-store", "private"];

/** The ports on loopback that the daemon's flags need. */
function innerPorts({ insidePort, daemonPort, adminPort, pagePort }: DaemonPlaces) {
  return { inside: insidePort, daemon: daemonPort, admin: adminPort, maintenance: pagePort };
}

function start(way: TraefikWay, places: Places) {
  const { directory, port, masterPort, canaryPort, outcomesPort, areOptionsOn, tls, changes } = places;
  const versions = { master: masterPort, canary: canaryPort, outcomes: outcomesPort };
  const ports: TraefikPorts = { ...innerPorts(places), web: port, ...versions };
  const configuration = fillTraefik(way, directory, ports, { areOptionsOn });
  if (changes !== undefined) {
    const path = applicationPath(directory);
    writeFileSync(path, withChanges(readFileSync(path, "utf8"), masterPort, changes));
  }
  if (tls !== undefined) {
    const text = readFileSync(configuration, "utf8");
    const address = `address: "127.0.0.1:${port}"`;
    writeFileSync(configuration, text.replace(address, `${address}\n    http:\n      tls: {}`));
    const certificate = `- certFile: ${tls.certificate}\n      keyFile: ${tls.key}`;
    appendFileSync(applicationPath(directory), `\ntls:\n  certificates:\n    ${certificate}\n`);
  }
  return startTraefik(configuration, port, tls !== undefined);
}

/** The operator's own lines: for master's servers, and a router after the decision. */
function withChanges(
  application: string,
  masterPort: number,
  { answerTimeoutMs, deniedPath, deadPort }: OperatorChanges,
): string {
  const server = `          - url: "http://127.0.0.1:${masterPort}"`;
  const dead = deadPort === undefined ? "" : `          - url: "http://127.0.0.1:${deadPort}"\n`;
  const again = deadPort === undefined ? "" : "        - test-again\n";
  const denied = `    website-denied:
      parentRefs:
        - website
      rule: "Path(\`${deniedPath}\`)"
      priority: 9
      middlewares:
        - test-denied
      service: website-canary
`;
  return application
    .replace("  routers:\n", `$&${denied}`)
    .replace(new RegExp(`^${server}.*$`, "m"), `${dead}$&\n        serversTransport: test-patience`)
    .replaceAll("        - website-at-master\n", `$&${again}`)
    .replace(
      "  serversTransports:\n",
      `$&    test-patience:\n      forwardingTimeouts:\n        responseHeaderTimeout: "${answerTimeoutMs}ms"\n`,
    )
    .replace(
      "  middlewares:\n    website-ask:\n",
      `  middlewares:\n    test-denied:\n      ipAllowList:\n        sourceRange: ["192.0.2.1/32"]\n    test-again:\n      retry:\n        attempts: 2\n    website-ask:\n`,
    );
}

/** The server of the maintenance page. In production an operator has one. */
function startPage(port: number) {
  const headers = { "content-type": "text/html", "retry-after": "120" };
  const fetch = () => new Response(Bun.file(PAGE), { status: 503, headers });
  return Bun.serve({ hostname: "127.0.0.1", port, fetch });
}

export const traefikAsk: Integration = {
  name: "Traefik, asks",
  folder: "traefik",
  missing: traefikMissing,
  daemonFlags: (places) => traefikFlags("ask", innerPorts(places)),
  start: (places) => start("ask", places),
  changeMs: 0,
  graceMs: 20,
  patienceMs: 20,
  isOverTcp: true,
  hasOptions: true,
  log: { shipped: "/var/log/traefik/access.log", pathIn: traefikLogIn },
  reporting: {
    exceptions: {
      cuts: "Traefik logs the status that the answer began with, and nothing about its end",
      maintenance: NO_MAINTENANCE,
      retried: "Traefik logs 0 as the number of retries, however many there were",
    },
  },
  newCookieDirectives: NEW_COOKIE,
  exceptions: { maintenance: NO_MAINTENANCE },
};

export const traefikSlices: Integration = {
  name: "Traefik, slices",
  folder: "traefik",
  missing: traefikMissing,
  daemonFlags: (places) => [
    ...traefikFlags("slices", innerPorts(places)),
    ...(places.isTls ? ["-traefik-secure"] : []),
  ],
  async start(places) {
    const page = startPage(places.pagePort);
    const traefik = await start("slices", places);
    return {
      log: () => traefik.log(),
      async stop() {
        await traefik.stop();
        await page.stop(true);
      },
    };
  },
  sliceCookie: SLICE_COOKIE,
  changeMs: 3_000,
  graceMs: 1_500,
  patienceMs: 0,
  isOverTcp: true,
  log: { shipped: "/var/log/traefik/access.log", pathIn: traefikLogIn },
  newCookieDirectives: NEW_COOKIE,
  exceptions: {
    "force-on": "with slices a header can force the canary, but nothing can force master",
    judged: "a slice holds many visitors, so there is nothing to judge",
  },
};
