/**
 * Which proxies run on this machine: by their processes' names, as which user, and which version if that is cheap and safe.
 *
 * A version is asked of the program itself (`nginx -v`), and only of a file that root or this user put there: a user
 * that runs a process called nginx must not make a doctor of root start its file.
 */

import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { dirname } from "node:path";
import { listeningOn } from "./listening.ts";
import { type Process, runningProcesses, socketsOf, type User, userName } from "./processes.ts";

/** A program that does not tell its version within this time has none. */
const VERSION_TIMEOUT_MS = 1_000;

/** What a program says of its version; the rest is not read. */
const VERSION_BYTES_MAX = 4_096;

/** Proxies that are reported; there are rarely more than one. */
const PROXIES_MAX = 16;

interface Kind {
  readonly name: string;
  /** What its processes are called. */
  readonly processes: readonly string[];
  readonly versionFlags: readonly string[];
}

const KINDS: readonly Kind[] = [
  { name: "nginx", processes: ["nginx"], versionFlags: ["-v"] },
  { name: "haproxy", processes: ["haproxy"], versionFlags: ["-v"] },
  { name: "envoy", processes: ["envoy"], versionFlags: ["--version"] },
  { name: "caddy", processes: ["caddy"], versionFlags: ["version"] },
  { name: "traefik", processes: ["traefik"], versionFlags: ["version"] },
  { name: "apache", processes: ["apache2", "httpd"], versionFlags: ["-v"] },
];

export interface RunningProxy {
  /** One of the names of `KINDS`. */
  readonly name: string;
  readonly version: string | null;
  /** The process that has no parent of the same program. */
  readonly pid: number;
  readonly processes: number;
  /** All of these processes. */
  readonly pids: readonly number[];
  /** The users that its processes run as, each once. */
  readonly users: readonly string[];
  /** Those that meet visitors: workers, or all there are. Each user once. */
  readonly workers: readonly Worker[];
}

export interface Worker {
  readonly pid: number;
  readonly user: User;
}

/** How an operator names a proxy: by the name of its kind, such as `nginx`, or by the number of one of its processes. */
export type ProxyName = string | number;

/** The names of the kinds. */
export const PROXY_NAMES: readonly string[] = KINDS.map(({ name }) => name);

/**
 * The proxies that run here. Those that listen at `url` come first, because there may be more than `PROXIES_MAX`.
 *
 * @param wanted the ones to look at; none: all
 */
export async function runningProxies(
  wanted: readonly ProxyName[] = [],
  url?: URL,
  processes = runningProcesses(),
): Promise<RunningProxy[]> {
  const versions = new Map<string, Promise<string | null>>();
  const families = KINDS.flatMap((kind) => familiesOf(kind, processes))
    .filter(({ kind, pids }) => {
      return wanted.length === 0 || wanted.some((name) => name === kind.name || pids.includes(Number(name)));
    })
    .map((family) => ({ ...family, isFront: url !== undefined && listensOn(portOf(url), family.pids) }))
    .sort((a, b) => Number(b.isFront) - Number(a.isFront));
  return Promise.all(
    families.slice(0, PROXIES_MAX).map(async ({ kind, first, family, pids }) => {
      const path = first.executable ?? "";
      const asked = versions.get(path) ?? versionOf(first, kind.versionFlags);
      versions.set(path, asked);
      return {
        name: kind.name,
        version: await asked,
        pid: first.pid,
        processes: family.length,
        pids,
        users: [...new Set(family.map(({ user }) => userName(user.uid)))],
        workers: workersOf(first, family),
      };
    }),
  );
}

/**
 * Those of the proxies that listen at the address of `url`; undefined if that cannot be seen: the address is not one of this
 * machine, or this user may not look at the proxies' sockets.
 */
export async function servingAt(
  url: URL,
  proxies: readonly RunningProxy[],
): Promise<readonly RunningProxy[] | undefined> {
  const addresses = await lookup(url.hostname.replace(/^\[|\]$/g, ""), { all: true }).catch(() => []);
  const own = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  const isHere = ({ address }: { readonly address: string }) =>
    address.startsWith("127.") || own.includes(address);
  if (addresses.length === 0 || !addresses.every(isHere)) return undefined;
  const serving = proxies.filter(({ pids }) => listensOn(portOf(url), pids));
  return serving.length === 0 ? undefined : serving;
}

function listensOn(port: number, pids: readonly number[]): boolean {
  const listening = listeningOn(port);
  if (listening.length === 0) return false;
  return pids.some((pid) => {
    const ownSockets = socketsOf(pid);
    return listening.some(({ inode }) => ownSockets.has(inode));
  });
}

function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}

/** Each process of a kind that was not started by another one of it, the oldest first, with all that it started. */
function familiesOf(kind: Kind, processes: readonly Process[]) {
  const own = processes.filter(({ name }) => kind.processes.includes(name));
  const ownPids = new Set(own.map(({ pid }) => pid));
  return own
    .filter(({ parent }) => !ownPids.has(parent))
    .map((first) => {
      const family = familyOf(first, own);
      return { kind, first, family, pids: family.map(({ pid }) => pid) };
    });
}

function familyOf(first: Process, all: readonly Process[]): Process[] {
  const children = all.filter(({ parent, pid }) => parent === first.pid && pid !== first.pid);
  return [first, ...children.flatMap((child) => familyOf(child, all))];
}

function workersOf(first: Process, family: readonly Process[]): Worker[] {
  const workers = family.length === 1 ? family : family.filter(({ pid }) => pid !== first.pid);
  const byUser = new Map(workers.map(({ pid, user }) => [JSON.stringify(user), { pid, user }]));
  return [...byUser.values()];
}

async function versionOf({ pid, executable }: Process, flags: readonly string[]): Promise<string | null> {
  if (executable === undefined || !isTrusted(pid, executable)) return null;
  const [printed, complained] = await outputOf(executable, flags);
  const version = /\d+\.\d+\.\d+(?:[-+~]\w+)*/;
  // nginx tells it on stderr; others complain there.
  return (version.exec(printed) ?? version.exec(complained))?.[0] ?? null;
}

/** Whether the path still means the file that the process runs, and only root and this user may change it. */
function isTrusted(pid: number, path: string): boolean {
  try {
    const [named, run] = [statSync(path), statSync(`/proc/${pid}/exe`)];
    if (named.ino !== run.ino || named.dev !== run.dev) return false;
    for (let at = path; ; at = dirname(at)) {
      const { mode, uid } = statSync(at);
      const isOwn = uid === 0 || uid === process.getuid?.();
      if (!isOwn || (mode & 0o022) !== 0) return false;
      if (at === dirname(at)) return true;
    }
  } catch {
    return false;
  }
}

/** What a program prints to stdout and stderr; empty if it cannot be run. Never rejects. */
function outputOf(path: string, flags: readonly string[]): Promise<[stdout: string, stderr: string]> {
  return new Promise((resolve) => {
    const said: [string, string] = ["", ""];
    const child = spawn(path, [...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: VERSION_TIMEOUT_MS,
      killSignal: "SIGKILL",
      env: {},
      cwd: "/",
    });
    const listen = (stream: NodeJS.ReadableStream, index: 0 | 1) => {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        if (said[index].length < VERSION_BYTES_MAX) said[index] += text;
      });
    };
    listen(child.stdout, 0);
    listen(child.stderr, 1);
    child.on("error", () => resolve(said));
    child.on("close", () => resolve(said));
  });
}
