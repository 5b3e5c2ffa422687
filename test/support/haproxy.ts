/**
 * A real HAProxy on temporary paths, with the shipped files as its configuration, in which only paths,
 * addresses and switches are filled in. If they no longer have such a place, filling in fails.
 */

import { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNHEARD_PORT } from "./port.ts";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/haproxy");

/** How HAProxy decides: it asks over SPOE, or has a lease in a map. */
export type HaproxyWay = "spoe" | "map";

/** Why HAProxy cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function haproxyMissing(): string | undefined {
  if (haproxyPath() !== undefined) return undefined;
  const message = "HAProxy is not installed; apt-get install haproxy";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

function haproxyPath(): string | undefined {
  return Bun.which("haproxy", { PATH: `${process.env["PATH"]}:/usr/sbin` }) ?? undefined;
}

/** HAProxy's paths in a test's directory. */
export interface HaproxyPlaces {
  readonly directory: string;
  /** The port for visitors. */
  readonly port: number;
  /** The port to which outcomes go, on 127.0.0.1; without it, one that no program listens to. */
  readonly outcomesPort?: number;
  /** Whether testers may force their location. The daemon has a switch of its own, for SPOE. */
  readonly allowForce: boolean;
}

/** The daemon's flags for a HAProxy in this directory. */
export function haproxyFlags(directory: string): string[] {
  return [
    ...["-spop", `unix:${join(directory, "spop.sock")}`],
    ...["-haproxy-map", `${join(directory, "admin.sock")},${join(directory, "haproxy.map")}`],
  ];
}

/** The path of the map in the shipped files, and the daemon's default. */
const MAP = "/var/lib/maxwells-daemon/haproxy.map";

/** The path of HAProxy's map in a test's directory. */
export function mapPath(directory: string): string {
  return join(directory, "haproxy.map");
}

/** The sockets of the versions of `website`; another application has them in a folder of its name. */
export function upstreamPath(directory: string, name: "master" | "canary"): string {
  return join(directory, `${name}.sock`);
}

/** The shipped files with their places filled in; returns the path of the whole configuration. */
export function fillHaproxy(way: HaproxyWay, places: HaproxyPlaces): string {
  const { directory } = places;
  copyFileSync(join(EXAMPLE, "maintenance.html"), join(directory, "maintenance.html"));
  copyFileSync(join(EXAMPLE, SPOE), join(directory, SPOE));
  // The daemon may have written it already.
  if (!existsSync(mapPath(directory))) copyFileSync(join(EXAMPLE, "maxwells-daemon.map"), mapPath(directory));
  const text = fillSite(readFileSync(join(EXAMPLE, `haproxy-${way}.cfg`), "utf8"), places, directory);
  const daemon = "daemon 127.0.0.1:6295";
  if (text.includes(daemon) !== (way === "spoe")) throw new Error(`it is SPOE's example that has ${daemon}`);
  const path = join(directory, "haproxy.cfg");
  writeFileSync(
    path,
    globalPart(directory) + text.replace(daemon, `daemon unix@${join(directory, "spop.sock")}`),
  );
  return path;
}

/** Adds another application to what `fillHaproxy` has written, by the commands of the README. */
export function addApplication(way: HaproxyWay, application: string, places: HaproxyPlaces): void {
  const readme = readFileSync(join(EXAMPLE, "README.md"), "utf8");
  const [, script = ""] = /^sed '(.*)' haproxy-map\.cfg \| sudo tee/m.exec(readme) ?? [];
  const copyOf = (file: string, expression: string) => {
    const sed = Bun.spawnSync(["sed", expression.replace("shop", application), join(EXAMPLE, file)]);
    if (sed.exitCode !== 0) throw new Error(sed.stderr.toString());
    return sed.stdout.toString();
  };
  const { directory } = places;
  appendFileSync(join(directory, SPOE), copyOf(SPOE, "s/website/shop/g"));
  const site = fillSite(copyOf(`haproxy-${way}.cfg`, script), places, join(directory, application));
  appendFileSync(join(directory, "haproxy.cfg"), site);
}

const SPOE = "maxwells-daemon.spoe.conf";

/** The part of an operator's configuration before the shipped file. It sets no log format: the file does. */
function globalPart(directory: string): string {
  return `global
    nbthread 1
    stats socket ${join(directory, "admin.sock")} mode 600 level admin
    log stderr format raw local0 info
defaults
    log global
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 1h
`;
}

/**
 * A site with its places filled in.
 *
 * @param versions the folder of the versions' sockets
 */
function fillSite(
  example: string,
  { directory, port, outcomesPort = UNHEARD_PORT, allowForce }: HaproxyPlaces,
  versions: string,
): string {
  let text = example;
  const fill = (from: string, to: string) => {
    if (text.split(from).length !== 2) throw new Error(`the example should have one ${from}`);
    text = text.replace(from, () => to);
  };
  fill("bind :80 ", `bind 127.0.0.1:${port} `);
  fill("log 127.0.0.1:6298 ", `log 127.0.0.1:${outcomesPort} `);
  fill("127.0.0.1:8080", `unix@${upstreamPath(versions, "master")}`);
  fill("127.0.0.1:8081", `unix@${upstreamPath(versions, "canary")}`);
  if (allowForce) text = text.replace(".if 0 # CHANGE to 1: testers", ".if 1 # CHANGE to 1: testers");
  text = text.replaceAll("/etc/haproxy/", `${directory}/`);
  if (!text.includes(MAP)) throw new Error(`the example should name ${MAP}`);
  return text.replaceAll(MAP, mapPath(directory));
}

/**
 * Starts an HAProxy; resolves when it listens on `port`.
 *
 * @param options canReload: a master process with workers, as Debian's service has it, which SIGUSR2 reloads
 */
export async function startHaproxy(
  configuration: string,
  port: number,
  { canReload = false }: { readonly canReload?: boolean } = {},
): Promise<ProxyProcess> {
  const mode = canReload ? ["-W", "-db"] : ["-db"];
  const child = Bun.spawn([haproxyPath() ?? "haproxy", ...mode, "-f", configuration], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  return whenListening("HAProxy", child, port, canReload ? { endsBy: "SIGTERM" } : {});
}
