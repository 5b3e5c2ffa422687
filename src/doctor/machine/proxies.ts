/**
 * Finds the proxies of this machine by the names of their processes, with their users. Doctor also finds
 * their versions, if that is cheap and safe.
 *
 * Doctor asks the program itself for its version (`nginx -v`), but only if root or this user put the file
 * there. Otherwise any user could run a process called nginx, and a doctor of root would start that file.
 */

import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { dirname } from "node:path";
import type { ProxyProgram } from "../../leases/lease.ts";
import { LEASES } from "../../leases/list.ts";
import { listeningOn } from "./listening.ts";
import { type Process, runningProcesses, socketsOf, type User, userName } from "./processes.ts";

/** If a program does not print its version within this time, the version is unknown. */
const VERSION_TIMEOUT_MS = 1_000;

/** Doctor reads this much of the output of a program. */
const VERSION_BYTES_MAX = 4_096;

/** Doctor reports at most this many proxies. There is rarely more than one. */
const PROXIES_MAX = 16;

type Kind = Omit<ProxyProgram, "title">;

/** Proxies that no kind of lease brings, because they ask the daemon. */
const ASKING: readonly Kind[] = [
  { name: "nginx", processes: ["nginx"], versionFlags: ["-v"] },
  { name: "envoy", processes: ["envoy"], versionFlags: ["--version"] },
  { name: "caddy", processes: ["caddy"], versionFlags: ["version"] },
];

/** One for each name: two kinds of lease may be for one proxy. */
const KINDS: readonly Kind[] = [
  ...new Map([...ASKING, ...LEASES.map(({ proxy }) => proxy)].map((kind) => [kind.name, kind])).values(),
];

export interface RunningProxy {
  /** One of the names of `KINDS`. */
  readonly name: string;
  readonly version: string | null;
  /** The process that has no parent of the same program. */
  readonly pid: number;
  readonly processes: number;
  /** The numbers of all these processes. */
  readonly pids: readonly number[];
  /** The users that its processes run as, each once. */
  readonly users: readonly string[];
  /** The processes that serve visitors: the workers, or the only process. One for each user. */
  readonly workers: readonly Worker[];
}

export interface Worker {
  readonly pid: number;
  readonly user: User;
}

/**
 * An operator names a proxy by the name of its kind, such as `nginx`, or by the number of one of its
 * processes.
 */
export type ProxyName = string | number;

/** The names of the kinds. */
export const PROXY_NAMES: readonly string[] = KINDS.map(({ name }) => name);

/**
 * The proxies that run here. The proxies that listen at `url` come first, so that they are among the
 * `PROXIES_MAX` that are reported.
 *
 * @param wanted the proxies to look at; if it is empty, all
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
 * The proxies that listen at the address of `url`. Undefined if doctor cannot know: the address belongs to
 * another machine, or this user may not look at the proxies' sockets.
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

/**
 * The families of a kind, the oldest first. A family is a process whose parent is of another kind, with all
 * processes that it started.
 */
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
  // nginx prints its version to stderr. Other programs print complaints there, so stdout counts first.
  return (version.exec(printed) ?? version.exec(complained))?.[0] ?? null;
}

/**
 * Whether the path still leads to the file that the process runs, and only root and this user may change it.
 */
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

/** The output of a program to stdout and stderr; empty if the program cannot run. Never rejects. */
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
