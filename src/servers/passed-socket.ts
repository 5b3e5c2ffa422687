/**
 * Where a listening socket that the parent process passed is bound. The kernel knows: the descriptor leads to the socket's
 * number, and the table of unix sockets to its path. The daemon names its listener by that path, so operators and
 * commands find it without a setting that could say something else.
 */

import { readFileSync, readlinkSync } from "node:fs";
import { type Address, addressText } from "../config/values.ts";

/** `Num: RefCount Protocol Flags Type St Inode Path`. */
const UNIX_LINE = /^\S+: \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.+)$/;

/** How a listener is called: `unix:/run/x.sock` also if it was passed as `fd:3`, and `fd:3` if the kernel does not tell. */
export function listenerText(address: Address): string {
  if (address.kind !== "fd") return addressText(address);
  const path = pathOf(address.fd);
  return path === undefined ? addressText(address) : `unix:${path}`;
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
