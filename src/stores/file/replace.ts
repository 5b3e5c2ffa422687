/**
 * Puts a new file in an old one's place, so that every reader sees the old text or the new one, also after a crash:
 * written beside it, synced, renamed over it. The new file has the old one's mode and owner, or is not put there.
 */

import { type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { StoreError } from "../store.ts";
import { errorCode } from "./faults.ts";
import { newFileFor } from "./temporary.ts";

const MODE_OF_A_NEW_FILE = 0o644;

/**
 * @param target  the file itself, no link
 * @param confirm called last before the rename; rejects if the file must stay as it is
 */
export async function replaceFile(target: string, text: string, confirm: () => Promise<void>): Promise<void> {
  const temporary = newFileFor(target);
  try {
    const handle = await open(temporary, "wx", MODE_OF_A_NEW_FILE);
    try {
      await handle.writeFile(text);
      await keepOwner(handle, target);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await confirm();
    await putInPlace(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(target));
}

async function putInPlace(temporary: string, target: string): Promise<void> {
  try {
    await rename(temporary, target);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    const why = "this writer was stopped for so long that another one took its lock";
    throw new StoreError("unavailable", `${target} was not written: ${why}; try again`, { cause: error });
  }
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

/** The rename itself reaches the disk. Not every file system can; the data is safe without. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The new file is in place and complete; a crash now may bring the old one back, complete as well.
  }
}
