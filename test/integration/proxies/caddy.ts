/** Caddy, which asks the daemon over HTTP for each request. */

import { join } from "node:path";
import { caddyLogIn, caddyMissing, fillCaddyfile, startCaddy } from "../../support/caddy.ts";
import type { Integration } from "../conformance/integration.ts";

export const caddy: Integration = {
  name: "Caddy",
  folder: "caddy",
  missing: caddyMissing,
  daemonFlags: ({ directory }) => ["-http", `unix:${daemonPath(directory)}`],
  async start({ directory, port, master, canary, home, allowForce, areOptionsOn, tls }) {
    const { maintenanceFile } = home;
    const places = { directory, port, master, canary, maintenanceFile, allowForce, areOptionsOn, tls };
    return startCaddy(directory, port, fillCaddyfile({ ...places, daemon: daemonPath(directory) }));
  },
  changeMs: 0,
  graceMs: 25,
  patienceMs: 25,
  hasOptions: true,
  log: { shipped: "/var/log/caddy/maxwells.log", pathIn: caddyLogIn },
};

function daemonPath(directory: string): string {
  return join(directory, "http.sock");
}
