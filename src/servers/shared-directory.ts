/**
 * Sockets in directories in which every user may make files, such as /tmp. While no daemon runs, another user can take the
 * name of such a socket: a daemon cannot start then, or proxies ask the other one. The default of 2016 lies there, so it
 * is not refused, but said.
 */

import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "../log.ts";

/** Listeners that proxies ask, by the names of their servers. */
const ASKED = /^(?:line|http|spop) unix:(.+)$/;

const WRITABLE_BY_OTHERS = 0o002;

/** @param servers their names, as `line unix:/tmp/maxwells-daemon.sock` */
export function warnOfSharedDirectories(servers: readonly string[], log: Log): void {
  for (const server of servers) {
    const [, path] = ASKED.exec(server) ?? [];
    if (path === undefined || !isShared(dirname(path))) continue;
    log.warn("every user of this machine can take the name of this socket while no daemon runs", {
      server,
      danger: "another user can keep the daemon from starting, or answer in its place",
      remedy: "choose a directory of the daemon's own, such as -socket /run/maxwells-daemon/daemon.sock",
    });
  }
}

function isShared(directory: string): boolean {
  try {
    return (statSync(directory).mode & WRITABLE_BY_OTHERS) !== 0;
  } catch {
    return false;
  }
}
