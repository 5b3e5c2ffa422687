/**
 * Where a listening socket that the parent process passed is bound. The kernel knows: the descriptor leads to the socket's
 * number, and the table of unix sockets to its path. The daemon names its listener by that path, so operators and
 * commands find it without a setting that could say something else.
 */

import { readFileSync, readlinkSync } from "node:fs";
import type { Address } from "../config/values.ts";

/** `Num: RefCount Protocol Flags Type St Inode Path`. */
const UNIX_LINE = /^\S+: \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.+)$/;

/** The address at which a passed descriptor is bound, if the kernel tells it. Other addresses stay as they are. */
export function boundAddress(address: Address): Address {
  if (address.kind !== "fd") return address;
  const path = pathOf(address.fd);
  return path === undefined ? address : { kind: "unix", path };
}

function pathOf(fd: number): string | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    for (const line of readFileSync("/proc/self/net/unix", "utf8").split("\n")) {
      const [, number, path] = UNIX_LINE.exec(line) ?? [];
      if (number !== undefined && number === inode) return path;
    }
  } catch {
    // Another system than Linux, or this descriptor was not passed: listening will tell.
  }
  return undefined;
}
