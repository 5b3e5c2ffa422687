/**
 * A path with its symbolic links followed, and the directories on the way in which a name could be swapped.
 * Kubernetes and deployment tools change a file by moving a link above it, and no event reaches the file's
 * own directory.
 */

import { lstat, readlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

/** Names followed before a path counts as a loop; then the kernel reports it when the file is opened. */
const STEPS_MAX = 256;

export interface ResolvedPath {
  /** The real path of the file, or the path that it would have. */
  readonly target: string;
  /** The directories with a link on the way, and the file's own. */
  readonly directories: ReadonlySet<string>;
}

/** @param path absolute */
export async function followLinks(path: string): Promise<ResolvedPath> {
  const directories = new Set<string>();
  let directory = "/";
  let rest = partsOf(path);
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const [name, ...others] = rest;
    if (name === undefined) return { target: directory, directories };
    const here = join(directory, name);
    const link = await linkAt(here);
    if (link !== undefined || others.length === 0) directories.add(directory);
    if (link === undefined) {
      directory = here;
      rest = others;
    } else {
      if (isAbsolute(link)) directory = "/";
      rest = [...partsOf(link), ...others];
    }
  }
  return { target: path, directories };
}

/** Which file lies at a path at this moment, and in which state; what is gone has a text too. */
export async function fingerprint(path: string): Promise<string> {
  try {
    const stat = await lstat(path, { bigint: true });
    return `${path} ${stat.dev} ${stat.ino} ${stat.size} ${stat.ctimeNs}`;
  } catch {
    return `${path} is not there`;
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    // No link, or not there at all: the path goes on by its own name.
    return undefined;
  }
}
