/** The directory and the files of maintenance mode, on the disk. */

import { accessSync, chmodSync, constants, mkdirSync, statSync } from "node:fs";
import { unlink } from "node:fs/promises";

/** Makes the directory if it is missing. Throws if it cannot be made or written to. */
export function makeWritable(directory: string): void {
  // A proxy of another user has to see the file, even if the umask of this process would hide it.
  if (mkdirSync(directory, { recursive: true }) !== undefined) chmodSync(directory, 0o755);
  accessSync(directory, constants.W_OK | constants.X_OK);
}

/** Removes the file. Resolves with whether it existed. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Whether other users may enter the directory. Throws if it is gone. */
export function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & 0o001) !== 0;
}
