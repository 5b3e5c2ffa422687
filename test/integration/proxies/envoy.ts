/** Envoy, which asks over HTTP (`ext_authz`) for each request. */

import { join } from "node:path";
import { envoyMissing, fillEnvoy, startEnvoy } from "../../support/envoy.ts";
import type { Integration } from "../conformance/integration.ts";

const socketIn = (directory: string) => join(directory, "http.sock");

export const envoyAsk: Integration = {
  name: "Envoy, ext_authz",
  folder: "envoy",
  missing: envoyMissing,
  daemonFlags: ({ directory }) => ["-http", `unix:${socketIn(directory)}`],
  start({ directory, port, master, canary, home, allowForce, tls }) {
    const { maintenanceFile } = home;
    const places = { port, master, canary, daemon: socketIn(directory), maintenanceFile, allowForce, tls };
    return startEnvoy(directory, port, fillEnvoy(places));
  },
  changeMs: 0,
  graceMs: 20,
  patienceMs: 20,
};
