/** nginx in three ways: Lua that asks for each request, Lua that has a lease, and `auth_request`. */

import { join } from "node:path";
import {
  fillExample,
  installPage,
  type NginxWay,
  nginxMissing,
  startNginx,
  withTls,
} from "../../support/nginx.ts";
import { freePort } from "../../support/port.ts";
import type { Integration } from "../conformance/integration.ts";

function nginx(
  way: NginxWay,
  workers: number,
): Pick<Integration, "folder" | "missing" | "daemonFlags" | "start" | "patienceMs"> {
  const isHttp = way === "auth-request";
  const httpSocket = (directory: string) => join(directory, "http.sock");
  return {
    folder: "nginx",
    missing: nginxMissing,
    daemonFlags: ({ directory }) => (isHttp ? ["-http", `unix:${httpSocket(directory)}`] : []),
    async start({ directory, port, master, canary, home, allowForce, tls }) {
      installPage(directory);
      const example = fillExample(way, port, {
        ...{ master, canary, daemon: isHttp ? httpSocket(directory) : home.socket, allowForce },
        ...{ maintenanceFile: home.maintenanceFile, page: join(directory, "share") },
        ...(isHttp ? { standInPort: await freePort() } : {}),
      });
      const http = tls === undefined ? example : withTls(example, tls);
      const running = await startNginx(directory, port, http, workers);
      return { log: () => running.errorLog(), stop: () => running.stop() };
    },
    patienceMs: 8,
  };
}

export const nginxAsk: Integration = {
  name: "nginx, Lua asks",
  ...nginx("ask", 1),
  changeMs: 0,
  graceMs: 8,
};

/** Two workers: each of them has a lease of its own. */
export const nginxLease: Integration = {
  name: "nginx, Lua with a lease",
  ...nginx("lease", 2),
  changeMs: 1_000,
  graceMs: 3_000,
};

export const nginxAuthRequest: Integration = {
  name: "nginx, auth_request",
  ...nginx("auth-request", 1),
  changeMs: 0,
  graceMs: 8,
};
