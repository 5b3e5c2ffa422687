/**
 * A real Traefik on temporary paths, with the shipped files as its configuration, in which only paths and
 * addresses are filled in. If they no longer have such a place, filling in fails.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SLICES } from "../../src/leases/traefik/slices.ts";
import { freePort, UNHEARD_PORT } from "./port.ts";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/traefik");

/** `npm test` puts packages from PyPI here. */
const PYPI_BIN = join(import.meta.dir, "../../node_modules/.cache/pypi/bin");

/** Why Traefik cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function traefikMissing(): string | undefined {
  if (traefikPath() !== undefined) return undefined;
  const message = "Traefik is not installed; npm test gets it from PyPI";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

function traefikPath(): string | undefined {
  const installed = join(PYPI_BIN, "traefik");
  return existsSync(installed) ? installed : (Bun.which("traefik") ?? undefined);
}

/** How Traefik decides: by slices of its own, or by asking for each request. */
export type TraefikWay = "slices" | "ask";

/** The access log of a Traefik with this directory. */
export function traefikLogIn(directory: string): string {
  return join(directory, "access.log");
}

/** All ports of loopback for a Traefik and the programs around it. */
export interface TraefikPorts {
  /** The port for visitors. */
  readonly web: number;
  /** The port at which Traefik comes back to itself: for the canary, or to ask. */
  readonly inside: number;
  readonly daemon: number;
  /** The daemon's admin listener, for Traefik's health check if it asks. */
  readonly admin: number;
  readonly master: number;
  readonly canary: number;
  readonly maintenance: number;
  /** The port that gets reports of outcomes. Without it no program hears them. */
  readonly outcomes?: number;
}

export async function traefikPorts(): Promise<TraefikPorts> {
  const [web, inside, daemon, admin, master, canary, maintenance] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  return { web, inside, daemon, admin, master, canary, maintenance };
}

/**
 * Traefik's cookie for the slices of `website`, which names one by the beginning of the SHA-256 of its name
 * (since Traefik 3.4).
 */
export const SLICE_COOKIE = {
  name: "maxwellsdaemon-slice-website",
  slices: SLICES,
  valueOf(slice: number): string {
    const name = `website:circle:${String(slice).padStart(3, "0")}`;
    return new Bun.CryptoHasher("sha256").update(name).digest("hex").slice(0, 16);
  },
};

/** The daemon's flags for this Traefik. */
export function traefikFlags(
  way: TraefikWay,
  { daemon, admin, inside, maintenance }: Pick<TraefikPorts, "daemon" | "admin" | "inside" | "maintenance">,
): string[] {
  if (way === "ask") return ["-http", `127.0.0.1:${daemon}`, "-admin", `127.0.0.1:${admin}`];
  return [
    ...["-traefik", `127.0.0.1:${daemon}`],
    ...["-traefik-version", `website/canary=http://127.0.0.1:${inside}`],
    ...["-traefik-version", `website/maintenance=http://127.0.0.1:${maintenance}`],
  ];
}

/** The path of the file with an application's routers and versions. */
export function applicationPath(directory: string, application = "website"): string {
  return join(directory, "dynamic", `${application}.yml`);
}

export interface TraefikOptions {
  /**
   * It waits longer for the daemon, for tests that ask once and need a decision. On a busy machine the
   * shipped 20 ms pass before the daemon runs, and then master serves.
   */
  readonly isPatient?: boolean;
  /** The commented lines marked CHANGE are turned on. */
  readonly areOptionsOn?: boolean;
}

/** The shipped files with their places filled in; returns the path of the install configuration. */
export function fillTraefik(
  way: TraefikWay,
  directory: string,
  ports: TraefikPorts,
  { isPatient = false, areOptionsOn = false }: TraefikOptions = {},
): string {
  const fill = (file: string, places: Readonly<Record<string, string>>): string => {
    let text = readFileSync(join(EXAMPLE, way, file), "utf8");
    for (const [from, to] of Object.entries(places)) {
      if (!text.includes(from)) throw new Error(`${way}/${file} should have a ${from}`);
      text = text.replaceAll(from, () => to);
    }
    return text;
  };
  const install = fill("traefik.yml", {
    '":80"': `"127.0.0.1:${ports.web}"`,
    "127.0.0.1:6297": `127.0.0.1:${ports.inside}`,
    ...(way === "slices" ? { "127.0.0.1:6296": `127.0.0.1:${ports.daemon}` } : {}),
    ...(way === "ask" ? { "127.0.0.1:6298": `127.0.0.1:${ports.outcomes ?? UNHEARD_PORT}` } : {}),
    "/var/log/traefik/access.log": traefikLogIn(directory),
    "directory: /etc/traefik/dynamic": `directory: ${dirname(applicationPath(directory))}`,
  });
  const patient = isPatient ? { '"20ms"': '"500ms"', '"200ms"': '"900ms"' } : {};
  const dynamic = fill("website.yml", {
    "127.0.0.1:8080": `127.0.0.1:${ports.master}`,
    "127.0.0.1:8081": `127.0.0.1:${ports.canary}`,
    ...(way === "ask" ? { "127.0.0.1:6297": `127.0.0.1:${ports.inside}` } : {}),
    ...(way === "ask" ? { "127.0.0.1:6294": `127.0.0.1:${ports.daemon}`, ...patient } : {}),
    ...(way === "ask" ? { "port: 6293": `port: ${ports.admin}` } : {}),
  });
  const quiet = "global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\n";
  const path = join(directory, "traefik.yml");
  writeFileSync(path, `${install}\n${quiet}`);
  mkdirSync(dirname(applicationPath(directory)), { recursive: true });
  const optional = /^( +)# (?=website-\w+:| {2,}\S)/gm;
  writeFileSync(applicationPath(directory), areOptionsOn ? dynamic.replace(optional, "$1") : dynamic);
  return path;
}

/** Starts a Traefik; resolves when it serves. */
export async function startTraefik(
  configuration: string,
  port: number,
  isTls = false,
): Promise<ProxyProcess> {
  const child = Bun.spawn([traefikPath() ?? "traefik", `--configFile=${configuration}`], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  return whenListening("Traefik", child, port, { isTls, isServing });
}

/** It listens before it has read its files, and answers 404 then. */
async function isServing(url: string): Promise<boolean> {
  const response = await fetch(url, { tls: { rejectUnauthorized: false } }).catch(() => undefined);
  return response?.status === 200;
}
