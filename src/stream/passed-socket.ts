/**
 * Finds the path of a listening socket that the parent process passed. The kernel knows it: the descriptor
 * leads to the socket's number, and the kernel's table of unix sockets leads from the number to the path. The
 * daemon names its listener by that path, so operators and commands find it. A setting for it could be wrong.
 */

import { readFileSync, readlinkSync } from "node:fs";
import type { Address } from "../address.ts";

/** `Num: RefCount Protocol Flags Type St Inode Path`. */
const UNIX_LINE = /^\S+: \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.+)$/;

/**
 * The address at which a passed descriptor is bound, if the kernel knows it. Other addresses are returned
 * unchanged.
 */
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
    // This is not Linux, or the descriptor was not passed. In the second case the listener fails and says so.
  }
  return undefined;
}
