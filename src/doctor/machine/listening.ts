/**
 * The listening sockets of this machine: unix sockets by path, TCP sockets by port. Every user may read them
 * in /proc/net.
 */

import { readFileSync } from "node:fs";

/** A listening socket. Its process has the same inode number among its descriptors. */
export interface Listening {
  readonly inode: number;
}

export interface ListeningUnix extends Listening {
  /** The path at which the socket was bound. It stays, even if the file is renamed. */
  readonly boundAt: string;
}

/** __SO_ACCEPTCON: the socket accepts connections. */
const ACCEPTS = 0x10000;

const TCP_LISTENS = "0A";

/** `Num: RefCount Protocol Flags Type St Inode Path`. */
const UNIX_LINE = /^\S+: \S+ \S+ ([0-9A-Fa-f]+) \S+ \S+ +(\d+) (.+)$/;

/**
 * The sockets that were bound for this path. A daemon binds beside the path and renames the file
 * (`socket-file.ts`). So if two daemons use one path, both sockets are found.
 */
export function listeningFor(path: string, table = tableOf("unix")): ListeningUnix[] {
  return table.split("\n").flatMap((line) => {
    const [, flags = "0", inode, boundAt = ""] = UNIX_LINE.exec(line) ?? [];
    if (inode === undefined || (Number.parseInt(flags, 16) & ACCEPTS) === 0) return [];
    const ending = boundAt.startsWith(path) ? boundAt.slice(path.length) : undefined;
    const isFor = ending !== undefined && /^(\.[0-9a-f]{8}\.new)?$/.test(ending);
    return isFor ? [{ inode: Number(inode), boundAt }] : [];
  });
}

/** The sockets that listen on this port, at any address. */
export function listeningOn(port: number, table = tableOf("tcp") + tableOf("tcp6")): Listening[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    return local.endsWith(wanted) && state === TCP_LISTENS ? [{ inode: Number(inode) }] : [];
  });
}

function tableOf(kind: "unix" | "tcp" | "tcp6"): string {
  try {
    return readFileSync(`/proc/net/${kind}`, "utf8");
  } catch {
    return "";
  }
}
