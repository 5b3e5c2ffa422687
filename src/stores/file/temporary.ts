/**
 * The temporary files of a write, and the removal of those that a dead writer left.
 *
 *     .rollouts.json.UUID.tmp    the new file, before it takes the old one's place
 *     rollouts.json.lock.UUID    a lock that was broken, for a moment
 *
 * Before the owner of the lock reads, it removes every new file of another writer. This is necessary: a
 * writer may have been stopped right before its rename, and its lock broken meanwhile. When it continues, its
 * new file is gone, so it cannot overwrite later changes.
 */

import { readdir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A broken lock is removed at once, unless the process that broke it died. */
const ASIDE_AGE_MS_MIN = 60_000;

/** A name for the new file at `target`. */
export function newFileFor(target: string): string {
  return join(dirname(target), `${newFilePrefix(target)}${crypto.randomUUID()}.tmp`);
}

/** A name for a lock that is to be broken. */
export function asideOf(lock: string): string {
  return `${lock}.${crypto.randomUUID()}`;
}

/**
 * Removes the files that other writers of the file at `target` left. Only the owner of `lock` may call this,
 * before it creates its own file.
 */
export async function sweep(target: string, lock: string): Promise<void> {
  const directory = dirname(target);
  // If the directory may be written but not read, the files stay.
  const names = await readdir(directory).catch(() => []);
  const [newFile, aside] = [newFilePrefix(target), `${basename(lock)}.`];
  for (const name of names) {
    const path = join(directory, name);
    if (isMade(name, newFile, ".tmp") || (isMade(name, aside, "") && (await isOld(path)))) {
      await unlink(path).catch(() => {});
    }
  }
}

function newFilePrefix(target: string): string {
  return `.${basename(target)}.`;
}

function isMade(name: string, prefix: string, suffix: string): boolean {
  return (
    name.startsWith(prefix) &&
    name.endsWith(suffix) &&
    UUID.test(name.slice(prefix.length, name.length - suffix.length))
  );
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Math.abs(Date.now() - (await stat(path)).mtimeMs) > ASIDE_AGE_MS_MIN;
  } catch {
    return false;
  }
}
