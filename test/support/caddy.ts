/**
 * A real Caddy on temporary paths, with the shipped Caddyfile as its configuration: the file itself, in which
 * only paths, addresses and switches are filled in. If it no longer has such a place, filling in fails. It
 * writes nothing outside the test's directory.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UNHEARD_PORT } from "./port.ts";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/caddy");

/** Why Caddy cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function caddyMissing(): string | undefined {
  if (caddyPath() !== undefined) return undefined;
  const message = "Caddy is not installed; apt-get install caddy";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

/** Another Caddy than the system's is named by CADDY. */
function caddyPath(): string | undefined {
  return process.env["CADDY"] ?? Bun.which("caddy") ?? undefined;
}

export interface CaddyPlaces {
  /** A directory of its own, for everything it writes. */
  readonly directory: string;
  /** The port for visitors, on 127.0.0.1. */
  readonly port: number;
  /** Unix sockets: of the daemon's HTTP listener, and of the versions. */
  readonly daemon: string;
  readonly master: string;
  readonly canary: string;
  readonly maintenanceFile: string;
  /** The port of 127.0.0.1 that gets reports of outcomes. Without it no program hears them. */
  readonly outcomesPort?: number;
  /** The commented lines marked CHANGE are turned on. */
  readonly areOptionsOn?: boolean;
  readonly allowForce?: boolean;
  readonly tls?: { readonly key: string; readonly certificate: string } | undefined;
  /** The admin listener's port on 127.0.0.1, for profiles; without it there is none. */
  readonly adminPort?: number;
}

/** The access log of a Caddy with this directory. */
export function caddyLogIn(directory: string): string {
  return join(directory, "access.log");
}

/** The shipped Caddyfile with its places filled in. */
export function fillCaddyfile(places: CaddyPlaces): string {
  let text = readFileSync(join(EXAMPLE, "Caddyfile"), "utf8");
  const fill = (from: string, to: string) => {
    if (text.split(from).length !== 2) throw new Error(`the example should have one ${from}`);
    text = text.replace(from, () => to);
  };
  const { directory, port, tls, adminPort } = places;
  const admin = adminPort === undefined ? "off" : `127.0.0.1:${adminPort}`;
  fill(
    "\n{\n\tservers {\n",
    `\n{\n\tadmin ${admin}\n\tauto_https off\n\tstorage file_system ${directory}/storage\n\tservers {\n`,
  );
  const certificate = tls === undefined ? "" : `\ttls ${tls.certificate} ${tls.key}\n`;
  fill("\n:80 {\n", `\n:${port} {\n\tbind 127.0.0.1\n${certificate}`);
  fill("udp/127.0.0.1:6298", `udp/127.0.0.1:${places.outcomesPort ?? UNHEARD_PORT}`);
  fill("unix//run/maxwells-daemon/http.sock", `unix/${places.daemon}`);
  fill("127.0.0.1:8080", `unix/${places.master}`);
  fill("127.0.0.1:8081", `unix/${places.canary}`);
  const { maintenanceFile } = places;
  fill("root /var/lib/maxwells-daemon/maintenance\n", `root ${dirname(maintenanceFile)}\n`);
  fill("try_files /website ", `try_files ${maintenanceFile.slice(dirname(maintenanceFile).length)} `);
  fill("root * /usr/share/maxwells-daemon/maintenance ", `root * ${EXAMPLE} `);
  fill("/var/log/caddy/maxwells.log", caddyLogIn(directory));
  if (places.areOptionsOn) text = text.replace(/^(\s*)# (?=@|handle |\t|\}$)/gm, "$1");
  if (places.allowForce) fill("maxwells_force off ", "maxwells_force {header.maxwellsdaemon-force} ");
  return text;
}

/** Starts a Caddy with this Caddyfile, and more in its environment; resolves when it listens on `port`. */
export async function startCaddy(
  directory: string,
  port: number,
  caddyfile: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ProxyProcess> {
  const path = join(directory, "Caddyfile");
  writeFileSync(path, caddyfile);
  const child = Bun.spawn([caddyPath() ?? "caddy", "run", "--config", path, "--adapter", "caddyfile"], {
    cwd: directory,
    env: {
      ...process.env,
      ...{ HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory },
      ...environment,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  return whenListening("Caddy", child, port);
}
