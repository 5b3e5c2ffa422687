/** Whether the file at a path is the socket of a process, and not another file of that name. */

import { lstatSync, type Stats } from "node:fs";
import { sees } from "./access.ts";
import { listeningFor } from "./listening.ts";
import { type Process, userName } from "./processes.ts";

/**
 * Why it is not proved that the file at `path` is a socket of the process; undefined if it is proved.
 *
 * The kernel lists the path at which a socket was bound, in the file system that its process had then. So the
 * list alone proves nothing: the process also has to own the file, and to find it at this path.
 *
 * @param ownSockets the numbers of the sockets that the process holds
 */
export function whyNotOwn(
  path: string,
  { pid, user }: Process,
  ownSockets: ReadonlySet<number>,
): string | undefined {
  if (!listeningFor(path).some(({ inode }) => ownSockets.has(inode))) {
    return `process ${pid} does not listen at ${path}`;
  }
  const stats = statsOf(path);
  if (!stats?.isSocket()) return `${path} is not a socket`;
  if (stats.uid !== user.uid) {
    return `${path} belongs to user "${userName(stats.uid)}", and process ${pid} runs as user "${userName(user.uid)}"`;
  }
  return sees(pid, path) === true ? undefined : `process ${pid} sees another file at ${path}`;
}

/** The stats of the file itself, not of the target of a link; undefined if this user may not look. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
