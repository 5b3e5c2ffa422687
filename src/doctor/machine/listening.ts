/** The listening sockets of this machine, as /proc/net has them for every user: unix sockets by path, TCP ports. */

import { readFileSync } from "node:fs";

/** A listening socket by its number, as it stands among the descriptors of its process. */
export interface Listening {
  readonly inode: number;
}

export interface ListeningUnix extends Listening {
  /** The path at which it was bound. A file that is renamed keeps this. */
  readonly boundAt: string;
}

/** __SO_ACCEPTCON: the socket accepts connections. */
const ACCEPTS = 0x10000;

const TCP_LISTENS = "0A";

/** `Num: RefCount Protocol Flags Type St Inode Path`. */
const UNIX_LINE = /^\S+: \S+ \S+ ([0-9A-Fa-f]+) \S+ \S+ +(\d+) (.+)$/;

/**
 * Those that were bound for this path. A daemon binds beside it and renames (`socket-file.ts`), so of two daemons at one
 * path both are seen.
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

/** Those on this port, of whatever address. */
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
