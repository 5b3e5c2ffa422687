/** Whether a path is the socket file of a process, and not another one of that name. */

import { lstatSync, type Stats } from "node:fs";
import { sees } from "./access.ts";
import { listeningFor } from "./listening.ts";
import { type Process, userName } from "./processes.ts";

/**
 * Why `path` is not known to be a socket file of `process`; undefined if it is.
 *
 * The kernel's list has the paths as they were when sockets were bound, in whatever file system their process had then. So
 * the list alone proves nothing: the process also has to own the file, and to see it at this path.
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
  if (!stats?.isSocket()) return `${path} is no socket`;
  if (stats.uid !== user.uid) {
    return `${path} belongs to user "${userName(stats.uid)}", and process ${pid} runs as user "${userName(user.uid)}"`;
  }
  return sees(pid, path) === true ? undefined : `process ${pid} sees another file at ${path}`;
}

/** Of the file itself, not of what a link leads to. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
