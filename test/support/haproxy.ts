/**
 * A real HAProxy on temporary paths, with the shipped files as its configuration, in which only paths, addresses and
 * switches are filled in. Where they no longer have such a place, filling in fails.
 */

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ProxyProcess, whenListening } from "./proxy-process.ts";

const EXAMPLE = join(import.meta.dir, "../../integrations/haproxy");

/** How HAProxy decides: it asks over SPOE, or holds a lease in a map. */
export type HaproxyWay = "spoe" | "map";

/** Why HAProxy cannot be had here; undefined where it can. Fails in CI, where it has to be. */
export function haproxyMissing(): string | undefined {
  if (haproxyPath() !== undefined) return undefined;
  const message = "HAProxy is not installed; apt-get install haproxy";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

function haproxyPath(): string | undefined {
  return Bun.which("haproxy", { PATH: `${process.env["PATH"]}:/usr/sbin` }) ?? undefined;
}

/** Where HAProxy has its things in a test's directory. */
export interface HaproxyPlaces {
  readonly directory: string;
  /** The port that visitors come to. */
  readonly port: number;
  /** Whether testers may force their location. The daemon has a switch of its own, for SPOE. */
  readonly allowForce: boolean;
}

/** The daemon's flags for a HAProxy in this directory. */
export function haproxyFlags(directory: string): string[] {
  return [
    ...["-spop", `unix:${join(directory, "spop.sock")}`],
    ...["-haproxy-map", `${join(directory, "admin.sock")},${join(directory, "maxwells-daemon.map")}`],
  ];
}

/** The sockets of the versions. */
export function upstreamPath(directory: string, name: "master" | "canary"): string {
  return join(directory, `${name}.sock`);
}

/** The shipped files with their places filled in; returns the path of the whole configuration. */
export function fillHaproxy(way: HaproxyWay, { directory, port, allowForce }: HaproxyPlaces): string {
  let text = readFileSync(join(EXAMPLE, `haproxy-${way}.cfg`), "utf8");
  const fill = (from: string, to: string) => {
    if (text.split(from).length !== 2) throw new Error(`the example should have one ${from}`);
    text = text.replace(from, () => to);
  };
  fill("bind :80 ", `bind 127.0.0.1:${port} `);
  fill("127.0.0.1:8080", `unix@${upstreamPath(directory, "master")}`);
  fill("127.0.0.1:8081", `unix@${upstreamPath(directory, "canary")}`);
  if (way === "spoe") fill("daemon 127.0.0.1:6295", `daemon unix@${join(directory, "spop.sock")}`);
  else if (allowForce) fill(".if 0 # CHANGE", ".if 1 # CHANGE");
  text = text.replaceAll("/etc/haproxy/", `${directory}/`);
  for (const file of ["maxwells-daemon.spoe.conf", "maxwells-daemon.map", "maintenance.html"]) {
    copyFileSync(join(EXAMPLE, file), join(directory, file));
  }
  const global = `global
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
  const path = join(directory, "haproxy.cfg");
  writeFileSync(path, global + text);
  return path;
}

/** Starts an HAProxy; resolves when it listens on `port`. */
export async function startHaproxy(configuration: string, port: number): Promise<ProxyProcess> {
  const child = Bun.spawn([haproxyPath() ?? "haproxy", "-db", "-f", configuration], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  return whenListening("HAProxy", child, port);
}
