/** Files that are always whole: written beside their name, then renamed over it. */

import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";

/**
 * Writes `text` to `path` so that a reader sees the old content or the new, and never a part.
 *
 * @param mode of the new file, as in open(2)
 */
export async function writeAtomically(path: string, text: string, mode = 0o644): Promise<void> {
  // A name of its own for each write: two daemons may share a directory, and even a process number in two containers.
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, "w", mode);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
