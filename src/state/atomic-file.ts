/** Files that are always whole: written beside their name, then renamed over it. */

import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";

/**
 * Writes `text` to `path` so that a reader sees the old content or the new, and never a part.
 *
 * @param mode of the new file, whatever the umask says; without, it is 0o644 less the umask
 */
export async function writeAtomically(path: string, text: string, mode?: number): Promise<void> {
  // A name of its own for each write: two daemons may share a directory, and even a process number in two containers.
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, "w", 0o644);
    try {
      if (mode !== undefined) await file.chmod(mode);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    // The same trouble at each write is one trouble, also in the log.
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, path);
    throw error;
  }
}
