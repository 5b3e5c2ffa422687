/**
 * Whether another process may connect to a unix socket. The modes of the socket file and of all directories
 * above it decide. Doctor looks at neither access control lists nor security modules.
 */

import { existsSync, lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { User } from "./processes.ts";

const ROOT_UID = 0;
const MAY_WRITE = 2;
const MAY_ENTER = 1;

/** The file or directory whose mode keeps a user from a socket. */
export interface Barrier {
  readonly path: string;
  /** In octal: `0700`. */
  readonly mode: string;
  readonly isDirectory: boolean;
}

/**
 * The first directory from the root on, or else the socket itself, that keeps `user` from connecting;
 * undefined if none does.
 */
export function barrierTo(socket: string, user: User): Barrier | undefined {
  if (user.uid === ROOT_UID) return undefined;
  for (const directory of directoriesAbove(socket)) {
    const barrier = barrierAt(directory, user, MAY_ENTER);
    if (barrier !== undefined) return barrier;
  }
  return barrierAt(socket, user, MAY_WRITE);
}

/**
 * Whether a process finds the same file at this path as doctor does. A process in a container, or with
 * systemd's `PrivateTmp=`, has its own file system, and may find another file there, or none. Undefined if
 * this user may not look.
 */
export function sees(pid: number, path: string): boolean | undefined {
  try {
    const own = lstatSync(path);
    const its = lstatSync(`/proc/${pid}/root${path}`);
    return own.ino === its.ino && own.dev === its.dev;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    // A process that has ended finds no file either, and that proves nothing.
    return isMissing && existsSync(`/proc/${pid}/fd`) && existsSync(path) ? false : undefined;
  }
}

/**
 * Whether the mode of a file gives `user` all `wanted` bits. The kernel looks at owner, group and others in
 * this order, and only the first class that fits counts.
 */
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
    // This user may not look there, so nothing is known to be in the way.
    return undefined;
  }
}

function directoriesAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...directoriesAbove(parent), parent];
}
