/** Envoy, which asks over HTTP (`ext_authz`) for each request. */

import { join } from "node:path";
import { envoyMissing, fillEnvoy, startEnvoy } from "../../support/envoy.ts";
import type { Integration } from "../conformance/integration.ts";

const socketIn = (directory: string) => join(directory, "http.sock");

const logIn = (directory: string) => join(directory, "access.log");

export const envoyAsk: Integration = {
  name: "Envoy, ext_authz",
  folder: "envoy",
  missing: envoyMissing,
  daemonFlags: ({ directory }) => ["-http", `unix:${socketIn(directory)}`],
  start({ directory, port, master, canary, home, allowForce, areOptionsOn, tls }) {
    const { maintenanceFile } = home;
    const [daemon, log] = [socketIn(directory), logIn(directory)];
    const places = { port, master, canary, daemon, maintenanceFile, log, allowForce, areOptionsOn, tls };
    return startEnvoy(directory, port, fillEnvoy(places));
  },
  changeMs: 0,
  graceMs: 20,
  patienceMs: 20,
  hasOptions: true,
  log: { shipped: "/var/log/envoy/maxwells.log", pathIn: logIn },
};
