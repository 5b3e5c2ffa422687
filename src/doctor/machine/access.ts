/**
 * Whether a process may connect to a unix socket, by the modes of the file and of all directories above it, without
 * being that process. Access control lists and security modules are not looked at.
 */

import { existsSync, lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { User } from "./processes.ts";

const ROOT_UID = 0;
const MAY_WRITE = 2;
const MAY_ENTER = 1;

/** What keeps a user from a socket. */
export interface Barrier {
  readonly path: string;
  /** In octal: `0700`. */
  readonly mode: string;
  readonly isDirectory: boolean;
}

/** The first thing, from the root on, that keeps `user` from connecting to `socket`; undefined if nothing does. */
export function barrierTo(socket: string, user: User): Barrier | undefined {
  if (user.uid === ROOT_UID) return undefined;
  for (const directory of directoriesAbove(socket)) {
    const barrier = barrierAt(directory, user, MAY_ENTER);
    if (barrier !== undefined) return barrier;
  }
  return barrierAt(socket, user, MAY_WRITE);
}

/**
 * Whether a process sees this file under this path. Its own view of the file system, as containers and systemd's
 * `PrivateTmp=` give, may have another one there, or none. Undefined if this user may not know.
 */
export function sees(pid: number, path: string): boolean | undefined {
  try {
    const own = lstatSync(path);
    const its = lstatSync(`/proc/${pid}/root${path}`);
    return own.ino === its.ino && own.dev === its.dev;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    // A process that has ended sees nothing.
    return isMissing && existsSync(`/proc/${pid}/fd`) && existsSync(path) ? false : undefined;
  }
}

/** Whether `user` has all `wanted` bits of a file's mode, by the rules of the kernel: the first class that fits counts. */
export function isAllowed(stats: Pick<Stats, "mode" | "uid" | "gid">, user: User, wanted: number): boolean {
  const shift = stats.uid === user.uid ? 6 : user.gids.includes(stats.gid) ? 3 : 0;
  return ((stats.mode >> shift) & wanted) === wanted;
}

function barrierAt(path: string, user: User, wanted: number): Barrier | undefined {
  try {
    const stats = statSync(path);
    if (isAllowed(stats, user, wanted)) return undefined;
    const mode = `0${(stats.mode & 0o777).toString(8).padStart(3, "0")}`;
    return { path, mode, isDirectory: stats.isDirectory() };
  } catch {
    // What this user cannot see it cannot judge.
    return undefined;
  }
}

function directoriesAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...directoriesAbove(parent), parent];
}
