/**
 * Replaces a file so that every reader sees the old text or the new one, even after a crash. The new file
 * gets the mode and the owner of the old one. If that fails, the old file stays.
 */

import { type FileHandle, stat } from "node:fs/promises";
import { writeAtomically } from "../../files/atomic-file.ts";
import { StoreError } from "../store.ts";
import { errorCode } from "./faults.ts";
import { newFileFor } from "./temporary.ts";

/**
 * @param target  the file itself, not a link
 * @param confirm called right before the rename; rejects if the old file must stay
 */
export async function replaceFile(
  target: string,
  content: string | Buffer,
  confirm: () => Promise<void>,
): Promise<void> {
  try {
    await writeAtomically(target, content, {
      temporary: newFileFor(target),
      isSynced: true,
      prepare: (file) => keepOwner(file, target),
      confirm,
    });
  } catch (error) {
    if (errorCode(error) !== "ENOENT" || !isOfRename(error)) throw error;
    const why = "this writer was stopped for so long that another one took its lock";
    throw new StoreError("unavailable", `${target} was not written: ${why}; try again`, { cause: error });
  }
}

/** Whether the new file itself is gone: the owner of the lock removed it. */
function isOfRename(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "rename";
}

/** A daemon that could read the old file must be able to read the new one. */
async function keepOwner(handle: FileHandle, target: string): Promise<void> {
  let before: Awaited<ReturnType<typeof stat>>;
  try {
    before = await stat(target);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw error;
  }
  const now = await handle.stat();
  if (now.uid !== before.uid || now.gid !== before.gid) {
    try {
      await handle.chown(before.uid, before.gid);
    } catch (error) {
      const remedy = "write as that user or as root";
      const message = `${target} belongs to user ${before.uid}, group ${before.gid}, which its new version must keep`;
      throw new StoreError("denied", `${message}; ${remedy}`, { cause: error });
    }
  }
  await handle.chmod(before.mode & 0o7777);
}
