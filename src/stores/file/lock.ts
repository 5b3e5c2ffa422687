/**
 * One writer at a time, over processes: a lock file beside the file, made with O_EXCL, with its owner in it.
 *
 * An owner that died leaves its lock behind, so one that is `LOCK_STALE_MS` old is broken. It is judged by age and
 * not by whether its process lives: the other writer may be in another container that shares the directory.
 * Two may break it at once, and one of them then moves the other's fresh lock away. Hence the owner's token: whoever
 * moved the wrong lock puts it back, and an owner looks for its token once more before it commits.
 */

import { link, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { abandoned } from "../abort.ts";
import { StoreError } from "../store.ts";
import { errorCode } from "./faults.ts";

/** A writer holds the lock for milliseconds; one as old as this has lost its owner. */
export const LOCK_STALE_MS = 10_000;

/** Longer than a lock can become stale, so that a dead owner costs a wait and not an error. */
const LOCK_WAIT_MS = LOCK_STALE_MS + 2_000;
const LOCK_RETRY_MS = 15;

export interface Lock {
  /** @throws {StoreError} unavailable, where somebody broke this lock */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/** Waits for the lock of the file at `target`. Rejects with the system's error where the directory refuses it. */
export async function takeLock(target: string, signal: AbortSignal): Promise<Lock> {
  const path = `${target}.lock`;
  const token = `${process.pid} ${crypto.randomUUID()}\n`;
  const until = performance.now() + LOCK_WAIT_MS;
  while (!(await create(path, token))) {
    if (signal.aborted) throw abandoned(signal);
    await breakIfStale(path);
    if (performance.now() > until) throw await locked(path);
    await sleep(LOCK_RETRY_MS * (1 + Math.random()));
  }
  const isOwn = async () => (await contentOf(path)) === token;
  return {
    async confirm() {
      if (!(await isOwn()))
        throw new StoreError("unavailable", `${path} was broken by another writer; try again`);
    },
    async release() {
      if (await isOwn()) await unlink(path).catch(() => {});
    },
  };
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    const handle = await open(path, "wx", 0o644);
    try {
      await handle.writeFile(token);
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function breakIfStale(path: string): Promise<void> {
  const seen = await identityOf(path);
  if (seen === undefined || Date.now() - seen.modifiedAtMs < LOCK_STALE_MS) return;
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    await rename(path, aside);
    const moved = await identityOf(aside);
    if (moved?.text !== seen.text) await link(aside, path);
  } catch {
    // Somebody else broke it, or took the place again; the next attempt sees what is there.
  }
  await unlink(aside).catch(() => {});
}

async function locked(path: string): Promise<StoreError> {
  const owner = (await contentOf(path))?.split(" ")[0] ?? "?";
  const remedy = `if that process no longer runs, remove the lock: rm ${path}`;
  return new StoreError("unavailable", `${path} is held by process ${owner}; ${remedy}`);
}

async function identityOf(path: string): Promise<{ text: string; modifiedAtMs: number } | undefined> {
  try {
    const { dev, ino, mtimeMs } = await stat(path);
    return { text: `${dev} ${ino} ${mtimeMs}`, modifiedAtMs: mtimeMs };
  } catch {
    return undefined;
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
