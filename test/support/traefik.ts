/**
 * A real Traefik on temporary paths, with the shipped files as its configuration, in which only paths and addresses are
 * filled in. Where they no longer have such a place, filling in fails.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./port.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/traefik");

/** Where `npm test` puts what it takes from PyPI. */
const PYPI_BIN = join(import.meta.dir, "../../node_modules/.cache/pypi/bin");

const START_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** Why Traefik cannot be had here; undefined where it can. Fails in CI, where it has to be. */
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

/** Everything of loopback that a Traefik and what is around it have. */
export interface TraefikPorts {
  /** Where visitors come to. */
  readonly web: number;
  /** Where Traefik comes back to itself: for the canary, or to ask. */
  readonly inside: number;
  readonly daemon: number;
  readonly master: number;
  readonly canary: number;
  readonly maintenance: number;
}

export async function traefikPorts(): Promise<TraefikPorts> {
  const [web, inside, daemon, master, canary, maintenance] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  return { web, inside, daemon, master, canary, maintenance };
}

/** The daemon's flags for this Traefik. */
export function traefikFlags(way: TraefikWay, { daemon, inside, maintenance }: TraefikPorts): string[] {
  if (way === "ask") return ["-http", `127.0.0.1:${daemon}`];
  return [
    ...["-traefik", `127.0.0.1:${daemon}`],
    ...["-traefik-version", `website/canary=http://127.0.0.1:${inside}`],
    ...["-traefik-version", `website/maintenance=http://127.0.0.1:${maintenance}`],
  ];
}

/** The shipped files with their places filled in; returns the path of the install configuration. */
export function fillTraefik(way: TraefikWay, directory: string, ports: TraefikPorts): string {
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
    "filename: /etc/traefik": `filename: ${directory}`,
  });
  // A daemon that answers late is a daemon that does not, and this machine may have more to do than to run it.
  const patient = {
    "127.0.0.1:6297": `127.0.0.1:${ports.inside}`,
    '"20ms"': '"500ms"',
    '"200ms"': '"900ms"',
  };
  const dynamic = fill("website.yml", {
    "127.0.0.1:8080": `127.0.0.1:${ports.master}`,
    "127.0.0.1:8081": `127.0.0.1:${ports.canary}`,
    ...(way === "ask" ? { "127.0.0.1:6294": `127.0.0.1:${ports.daemon}`, ...patient } : {}),
  });
  const quiet = "global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\n";
  const path = join(directory, "traefik.yml");
  writeFileSync(path, `${install}\n${quiet}`);
  writeFileSync(join(directory, "website.yml"), dynamic);
  return path;
}

export interface TraefikProcess {
  readonly url: string;
  /** What it wrote so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a Traefik; resolves when it serves. */
export async function startTraefik(
  configuration: string,
  port: number,
  isTls = false,
): Promise<TraefikProcess> {
  const child = Bun.spawn([traefikPath() ?? "traefik", `--configFile=${configuration}`], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  let log = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) log += decoder.decode(chunk, { stream: true });
  })();
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    await reading;
  };
  const url = `${isTls ? "https" : "http"}://127.0.0.1:${port}`;
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isServing(url, port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`Traefik did not start: ${log}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return { url, log: () => log, stop };
}

/** It listens before it has read its files, and answers 404 then. */
async function isServing(url: string, port: number): Promise<boolean> {
  const isListening = await new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
  if (!isListening) return false;
  const response = await fetch(url, { tls: { rejectUnauthorized: false } }).catch(() => undefined);
  return response?.status === 200;
}
