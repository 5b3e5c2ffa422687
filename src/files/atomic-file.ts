/**
 * Writes files that are always complete: to a temporary file first, which is then renamed over the old one.
 */

import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface AtomicWrite {
  /** Permissions of the new file; the umask does not change them. By default 0o644 less the umask. */
  readonly mode?: number;
  /** The path of the temporary file: in the same directory, and unique. */
  readonly temporary?: string;
  /**
   * Whether the new file must be on the disk before the write resolves, so that it survives a crash of the
   * machine.
   */
  readonly isSynced?: boolean;
  /**
   * Called after the text is written, to set the new file's owner and mode. If it rejects, the old file
   * stays.
   */
  readonly prepare?: (file: FileHandle) => Promise<void>;
  /** Called right before the rename. If it rejects, the old file stays. */
  readonly confirm?: () => Promise<void>;
}

/** Writes to `path`. A reader sees the old content or the new, never a part of it. */
export async function writeAtomically(
  path: string,
  content: string | Buffer,
  how: AtomicWrite = {},
): Promise<void> {
  // Each write has its own name, because two daemons may share a directory, and in two containers even a
  // process id.
  const temporary = how.temporary ?? `${path}.${randomUUID()}.new`;
  try {
    await writeNew(temporary, content, how);
    await how.confirm?.();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    // The random name is taken out of the message. Otherwise each failure would be a new complaint for the
    // log.
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, path);
    throw error;
  }
  if (how.isSynced) await syncDirectory(dirname(path));
}

async function writeNew(
  path: string,
  content: string | Buffer,
  { mode, prepare, isSynced }: AtomicWrite,
): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.writeFile(content);
    await prepare?.(file);
    if (isSynced) await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Waits until the rename is on the disk. Not every file system can do that. The data of the file is safe
 * without it.
 */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The new file is in place and complete. A crash now may bring back the old one, which is complete too.
  }
}
