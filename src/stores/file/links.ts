/**
 * Follows the symbolic links of a path, and lists the directories in which a link or the file could be
 * replaced. Kubernetes and deployment tools change a file by replacing a link above it, and then the file's
 * own directory gets no event.
 */

import { lstat, readlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";

/** After this many links a path counts as a loop. The kernel reports the loop when the file is opened. */
const STEPS_MAX = 256;

export interface ResolvedPath {
  /** The real path of the file, or the path that it would have. */
  readonly target: string;
  /** The directories of the links, and the directory of the file. */
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

/** A text that identifies the file at a path and its state. A file that is gone has a text too. */
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
    // It is not a link, or does not exist: the path goes on with this name.
    return undefined;
  }
}
