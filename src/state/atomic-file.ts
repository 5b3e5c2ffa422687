/** Files that are always whole: written beside their name, then renamed over it. */

import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface AtomicWrite {
  /** Permissions of the new file, whatever the umask says. By default 0o644 less the umask. */
  readonly mode?: number;
  /** The new file's path until it takes the old one's place: in the same directory, and unique. */
  readonly temporary?: string;
  /** Whether the new file is on the disk before this resolves: then it is there after a crash of the machine, too. */
  readonly isSynced?: boolean;
  /** Called when the text is written, for the new file's owner and mode. If it rejects, the old file stays. */
  readonly prepare?: (file: FileHandle) => Promise<void>;
  /** Called last before the rename. If it rejects, the old file stays. */
  readonly confirm?: () => Promise<void>;
}

/** Writes `text` to `path` so that a reader sees the old content or the new, and never a part. */
export async function writeAtomically(path: string, text: string, how: AtomicWrite = {}): Promise<void> {
  // A name of its own for each write: two daemons may share a directory, and even a process number in two containers.
  const temporary = how.temporary ?? `${path}.${randomUUID()}.new`;
  try {
    await writeNew(temporary, text, how);
    await how.confirm?.();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    // The same trouble at each write is one trouble, also in the log.
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, path);
    throw error;
  }
  if (how.isSynced) await syncDirectory(dirname(path));
}

async function writeNew(path: string, text: string, { mode, prepare, isSynced }: AtomicWrite): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.writeFile(text);
    await prepare?.(file);
    if (isSynced) await file.sync();
  } finally {
    await file.close();
  }
}

/** The rename itself reaches the disk. Not every file system can do that; the data is safe without. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The new file is in place and complete; a crash now may bring the old one back, complete as well.
  }
}
