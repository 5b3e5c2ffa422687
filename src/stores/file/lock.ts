/**
 * Allows one writer at a time, across processes, by a lock file beside the file. It is created with O_EXCL
 * and names its owner.
 *
 * A writer that died leaves its lock behind. The lock names its process, boot and pid namespace, so that a
 * writer on the same machine sees at once that it is dead. In another container, or over a network, that
 * cannot be seen: there a lock is broken when it is `LOCK_STALE_MS` old, or was watched for so long without a
 * change. (Its age alone does not count: a lock from before the clock was set back would live for an hour.)
 *
 * Two may break a lock at once, and one of them then moves the other's fresh lock away. Hence the owner's
 * token: a writer that moved the wrong lock puts it back, and an owner looks for its token once more before
 * it commits. An owner that was stopped for long right after that look finds its new file gone
 * (`temporary.ts`).
 */

import { readFileSync, readlinkSync } from "node:fs";
import { link, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../store.ts";
import { errorCode } from "./faults.ts";
import { asideOf, sweep } from "./temporary.ts";

/** A writer needs the lock for milliseconds only. The owner of a lock that is older than this is dead. */
export const LOCK_STALE_MS = 5_000;

/**
 * The limit of the wait for a lock. It is longer than `LOCK_STALE_MS`, and shorter than the 10 s after which
 * a command gives up, so that the error names the lock.
 */
const LOCK_WAIT_MS = 8_000;
const LOCK_RETRY_MS = 15;

/** After this time the command says what it waits for. */
const LOCK_TELL_MS = 500;

export interface Lock {
  /** @throws {StoreError} unavailable, if another writer broke this lock */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/** The state of a lock file. */
interface Seen {
  readonly identity: string;
  readonly modifiedAtMs: number;
}

/**
 * Waits for the lock of the file at `target`, and removes files that dead writers left beside it. Rejects
 * with the system's error if the directory refuses the lock, and with a `StoreError` if another writer keeps
 * the lock too long.
 *
 * @param tell called once, if it takes long, with the owner that it waits for
 */
export async function takeLock(
  target: string,
  signal: AbortSignal,
  tell: (message: string) => void,
): Promise<Lock> {
  const path = `${target}.lock`;
  const token = `${process.pid} ${crypto.randomUUID()} ${homeOfProcess()}\n`;
  await waitFor(path, token, signal, tell);
  await sweep(target, path);
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

/** Resolves when the lock has this token. */
async function waitFor(
  path: string,
  token: string,
  signal: AbortSignal,
  tell: (message: string) => void,
): Promise<void> {
  const beganAtMs = performance.now();
  let isTold = false;
  let watched: { readonly identity: string; readonly sinceMs: number } | undefined;
  while (!(await create(path, token))) {
    const waitedMs = performance.now() - beganAtMs;
    if (signal.aborted || waitedMs > LOCK_WAIT_MS) throw await heldFault(path);
    if (!isTold && waitedMs > LOCK_TELL_MS) {
      isTold = true;
      tell(`waiting for ${path}, the lock of ${await ownerOf(path)}, for ${LOCK_WAIT_MS / 1000} s at most`);
    }
    const seen = await look(path);
    if (seen !== undefined) {
      if (watched?.identity !== seen.identity) {
        watched = { identity: seen.identity, sinceMs: performance.now() };
      }
      const unchangedMs = performance.now() - watched.sinceMs;
      const ageMs = Math.max(unchangedMs, Date.now() - seen.modifiedAtMs);
      if (ageMs >= LOCK_STALE_MS || isDead(await contentOf(path))) await breakLock(path, seen);
    }
    await sleep(LOCK_RETRY_MS * (1 + Math.random()));
  }
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

async function breakLock(path: string, seen: Seen): Promise<void> {
  const aside = asideOf(path);
  try {
    await rename(path, aside);
    const moved = await look(aside);
    if (moved?.identity !== seen.identity) await link(aside, path);
  } catch {
    // Another writer broke this lock, or has created a new one. The next attempt finds out.
  }
  await unlink(aside).catch(() => {});
}

async function heldFault(path: string): Promise<StoreError> {
  const remedy = `if that process no longer runs, remove the lock: rm ${path}`;
  return new StoreError("unavailable", `${path} is held by ${await ownerOf(path)}; ${remedy}`);
}

async function ownerOf(path: string): Promise<string> {
  const pid = /^\d+/.exec((await contentOf(path)) ?? "")?.[0];
  return pid === undefined ? "a process without a name" : `process ${pid}`;
}

async function look(path: string): Promise<Seen | undefined> {
  try {
    const { dev, ino, mtimeMs } = await stat(path);
    return { identity: `${dev} ${ino} ${mtimeMs}`, modifiedAtMs: mtimeMs };
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

/** Whether the owner of a lock was a process of this machine, this boot and this container, and is dead. */
function isDead(content: string | undefined): boolean {
  const [, pid, home] = /^([1-9]\d{0,9}) \S+ (\S+)\n$/.exec(content ?? "") ?? [];
  if (pid === undefined || home === UNKNOWN_HOME || home !== homeOfProcess()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}

const UNKNOWN_HOME = "?";

/** The scope in which a process id is unique: this boot of this machine, and this pid namespace. */
function homeOfProcess(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return UNKNOWN_HOME;
  }
}
