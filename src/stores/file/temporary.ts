/**
 * The names that a write uses beside the file, and what becomes of those that a dead writer left.
 *
 *     .rollouts.json.UUID.tmp    the new file, before it takes the old one's place
 *     rollouts.json.lock.UUID    a lock that was broken, for a moment
 *
 * The owner of the lock removes every new file that is not its own, before it reads. That is more than
 * tidiness: a writer that was stopped right before its rename, and whose lock was broken meanwhile, finds
 * nothing to rename when it goes on. So it cannot overwrite what was written since.
 */

import { readdir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A broken lock is gone at once, unless who broke it died. */
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
 * Removes what other writers of the file at `target` left. For the owner of `lock`, before it makes a file of
 * its own.
 */
export async function sweep(target: string, lock: string): Promise<void> {
  const directory = dirname(target);
  // A directory that may be written and not read is left as it is.
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
