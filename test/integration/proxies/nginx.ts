/** nginx in three ways: Lua that asks for each request, Lua that has a lease, and `auth_request`. */

import { join } from "node:path";
import {
  fillExample,
  installPage,
  type NginxWay,
  nginxMissing,
  startNginx,
  withShare,
  withTls,
} from "../../support/nginx.ts";
import { freePort } from "../../support/port.ts";
import type { Integration, OperatorChanges, Reporting } from "../conformance/integration.ts";

/** @param ownLines adds an operator's own lines to the shipped files */
export function nginx(
  way: NginxWay,
  workers: number,
  ownLines: (example: string) => string = (example) => example,
): Pick<Integration, "folder" | "missing" | "daemonFlags" | "start" | "patienceMs"> {
  const isHttp = way === "auth-request";
  const httpSocket = (directory: string) => join(directory, "http.sock");
  return {
    folder: "nginx",
    missing: nginxMissing,
    daemonFlags: ({ directory }) => (isHttp ? ["-http", `unix:${httpSocket(directory)}`] : []),
    async start({ directory, port, outcomesPort, master, canary, home, socket, allowForce, tls, changes }) {
      installPage(directory);
      const example = fillExample(way, port, {
        ...{ master, canary, daemon: isHttp ? httpSocket(directory) : socket, allowForce },
        ...{ maintenanceFile: home.maintenanceFile, page: join(directory, "share") },
        ...(isHttp ? { standInPort: await freePort(), outcomesPort } : {}),
      });
      const changed = changes === undefined ? example : withChanges(ownLines(example), changes);
      const http = tls === undefined ? changed : withTls(changed, tls);
      const running = await startNginx(directory, port, http, workers);
      return { log: () => running.errorLog(), stop: () => running.stop() };
    },
    patienceMs: 8,
  };
}

/** The operator's own lines: for all sites, in the site's location, and in master's group of servers. */
function withChanges(
  example: string,
  { answerTimeoutMs, deniedPath, deadServer, isSharing }: OperatorChanges,
): string {
  const timeout = `proxy_read_timeout ${answerTimeoutMs}ms;\n`;
  const denied = `if ($uri = ${deniedPath}) { return 403; }\n`;
  const dead = deadServer === undefined ? "" : `server unix:${deadServer} max_fails=0;\n`;
  return (
    timeout +
    (isSharing ? withShare(example) : example)
      .replace(
        /^ {8}proxy_pass http:\/\/website_master;|^ {8}proxy_pass http:\/\/\$website_upstream;/m,
        (pass) => denied + pass,
      )
      .replace(/(upstream website_master \{\n)/, `$1${dead}`)
  );
}

const reporting: Reporting = {
  canShare: true,
  exceptions: { cuts: "nginx logs the status that the answer began with, and nothing about its end" },
};

export const nginxAsk: Integration = {
  name: "nginx, Lua asks",
  ...nginx("ask", 1),
  reporting,
  changeMs: 0,
  graceMs: 8,
};

/** Two workers: each of them has a lease of its own. */
export const nginxLease: Integration = {
  name: "nginx, Lua with a lease",
  ...nginx("lease", 2),
  reporting,
  changeMs: 1_000,
  graceMs: 3_000,
};

export const nginxAuthRequest: Integration = {
  name: "nginx, auth_request",
  ...nginx("auth-request", 1),
  reporting: {
    ...reporting,
    exceptions: {
      ...reporting.exceptions,
      unheard: "nginx logs an error for each datagram that the daemon does not hear while it decides",
    },
  },
  changeMs: 0,
  graceMs: 8,
};
