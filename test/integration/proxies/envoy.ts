/** Envoy, which asks over HTTP (`ext_authz`) for each request. */

import { join } from "node:path";
import { envoyMissing, fillEnvoy, startEnvoy } from "../../support/envoy.ts";
import type { Integration, OperatorChanges } from "../conformance/integration.ts";

const socketIn = (directory: string) => join(directory, "http.sock");

const logIn = (directory: string) => join(directory, "access.log");

export const envoyAsk: Integration = {
  name: "Envoy, ext_authz",
  folder: "envoy",
  missing: envoyMissing,
  daemonFlags: ({ directory }) => ["-http", `unix:${socketIn(directory)}`],
  start({ directory, port, master, canary, home, outcomesPort, allowForce, areOptionsOn, tls, changes }) {
    const { maintenanceFile } = home;
    const [daemon, log] = [socketIn(directory), logIn(directory)];
    const versions = { master, canary, daemon, maintenanceFile, log, outcomesPort };
    const example = fillEnvoy({ port, ...versions, allowForce, areOptionsOn, tls });
    return startEnvoy(
      directory,
      port,
      changes === undefined ? example : withChanges(example, master, changes),
    );
  },
  reporting: { canShare: true },
  changeMs: 0,
  graceMs: 20,
  patienceMs: 20,
  hasOptions: true,
  log: { shipped: "/var/log/envoy/maxwells.log", pathIn: logIn },
};

/** The operator's own lines: a route of its own, and those of master's visitors. */
function withChanges(
  example: string,
  master: string,
  { answerTimeoutMs, deniedPath, deadServer, isSharing = false }: OperatorChanges,
): string {
  const denied = `- match: { path: ${deniedPath} }\n                          direct_response: { status: 403 }\n`;
  const again = "retry_policy: { retry_on: connect-failure, num_retries: 1 }";
  const retry = deadServer === undefined ? "" : `, ${again}`;
  const endpoint = (path: string) => `{ endpoint: { address: { pipe: { path: ${path} } } } }`;
  const route = "route: { cluster: website_master";
  const [before = "", after = ""] = (isSharing ? withShare(example) : example).split(
    "- match: { prefix: /, headers: [{ name: maxwellsdaemon-location",
  );
  return `${before}${denied}                        - match: { prefix: /, headers: [{ name: maxwellsdaemon-location${after}`
    .replaceAll(`${route} }`, `${route}, timeout: ${answerTimeoutMs / 1_000}s${retry} }`)
    .replace(
      endpoint(master),
      deadServer === undefined ? endpoint(master) : `${endpoint(deadServer)}, ${endpoint(master)}`,
    );
}

/** Does what the file's comment tells. */
function withShare(example: string): string {
  return example
    .replace(/^ *filter: \{ header_filter: .*\n/m, "")
    .replace("# filter: { extension_filter", "filter: { extension_filter")
    .replace(/^( *string_value: "website .*)"$/m, '$1 share=0.1"');
}
