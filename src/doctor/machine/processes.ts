/**
 * The processes of this machine, with their programs and users, if /proc shows them to this user. Only Linux
 * has /proc.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Doctor looks at this many processes: more than a kernel allows by default. */
const PROCESSES_MAX = 65_536;

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The kernel's name for the process: at most 15 characters. */
  readonly name: string;
  /** The file that it runs; undefined if this user may not know. */
  readonly executable: string | undefined;
  readonly user: User;
}

/** The user and the groups with which a process opens files. */
export interface User {
  readonly uid: number;
  /** Its group and all supplementary ones. */
  readonly gids: readonly number[];
}

/** All processes; none if there is no /proc. */
export function runningProcesses(): Process[] {
  return entriesOf("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .slice(0, PROCESSES_MAX)
    .flatMap((entry) => processOf(Number(entry)) ?? []);
}

/** The inode numbers of the sockets that a process holds; none if this user may not know. */
export function socketsOf(pid: number): ReadonlySet<number> {
  const inodes = entriesOf(`/proc/${pid}/fd`).flatMap((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`) ?? "") ?? [];
    return inode === undefined ? [] : [Number(inode)];
  });
  return new Set(inodes);
}

/** The name of a user; its number if /etc/passwd has no name. */
export function userName(uid: number): string {
  const line = textOf("/etc/passwd")
    ?.split("\n")
    .find((each) => each.split(":")[2] === String(uid));
  return line?.split(":")[0] || String(uid);
}

/** The process with this number; undefined if there is none. */
export function processOf(pid: number): Process | undefined {
  const status = textOf(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "";
  // The order is real, effective, saved, file system. The kernel uses the last one when a file is opened.
  const numbers = (name: string) => field(name).split(/\s+/).filter(Boolean).map(Number);
  return {
    pid,
    parent: Number(field("PPid")),
    name: field("Name"),
    executable: linkOf(`/proc/${pid}/exe`),
    user: {
      uid: numbers("Uid").at(-1) ?? 0,
      gids: [numbers("Gid").at(-1) ?? 0, ...numbers("Groups")],
    },
  };
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
