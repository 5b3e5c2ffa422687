/**
 * The file of evidence that one process appends to. A process has one file for each log, so that no two
 * processes append to the same one, also over a network. If the file is long, another one follows it. A log
 * has a limited number of files: beyond that, a process shares the one that was unused for longest, or
 * removes it if it is long.
 *
 * Directories get the mode and the owner of the directory of the rollouts, because those that may replace the
 * rollouts there may append too. Files get the mode and the owner of the rollouts' file.
 */

import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, mkdir, open, readdir, stat, statfs, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { EvidenceLog } from "../evidence.ts";
import { StoreError } from "../store.ts";
import { lineOf, NONCE_LENGTH } from "./evidence-lines.ts";
import { directoryNameOf, evidenceOf, fileNameOf, nameIn } from "./evidence-names.ts";
import { sweepEvidence } from "./evidence-sweep.ts";
import { errorCode } from "./faults.ts";

/** A file that is longer is followed by another one. */
const FILE_BYTES_MAX = 1024 * 1024;

/** The files of a log. */
const FILES_MAX = 64;

/** The disk must have this much room left: twice the size of the largest file of rollouts. */
const ROOM_BYTES_MIN = 8 * 1024 * 1024;

/** Between two sweeps of a process. */
const SWEEP_MS = 3_600_000;

export interface EvidenceWriterOptions {
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
}

export class EvidenceWriter {
  readonly #options: EvidenceWriterOptions;
  /** The path of this process's file, by the log's directory. */
  readonly #own = new Map<string, string>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: EvidenceWriterOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the batches are on the disk.
   *
   * @param target the file of the rollouts, not a link
   */
  async append(target: string, log: EvidenceLog, batches: readonly string[]): Promise<void> {
    await refuseFullDisk(dirname(target));
    const directory = join(evidenceOf(target), directoryNameOf(log));
    const line = Buffer.from(lineOf(batches, randomBytes(NONCE_LENGTH / 2).toString("hex")));
    const file = await this.#open(target, directory);
    try {
      const { bytesWritten } = await file.write(line);
      if (bytesWritten < line.byteLength) {
        throw new StoreError("unavailable", `${directory} took only a part of a line; make room on its disk`);
      }
      await file.datasync();
      const { size, mtimeMs } = await file.stat();
      if (size > FILE_BYTES_MAX) this.#own.delete(directory);
      await this.#sweep(evidenceOf(target), mtimeMs);
    } finally {
      await file.close();
    }
  }

  /** This process's file of a log. It may have been removed meanwhile, for instance by a restored backup. */
  async #open(target: string, directory: string): Promise<FileHandle> {
    const known = this.#own.get(directory);
    try {
      if (known !== undefined) return await open(known, constants.O_WRONLY | constants.O_APPEND);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    await makeDirectories(target, directory);
    const shared = await placeIn(directory);
    const path = shared ?? join(directory, fileNameOf(randomName()));
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
    const file = await open(path, flags, 0o600);
    try {
      if (shared === undefined) await takeAfter(file, await statIfAny(target), 0o666);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#own.set(directory, path);
    return file;
  }

  async #sweep(evidence: string, nowMs: number): Promise<void> {
    const clockMs = this.#options.clock();
    if (clockMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = clockMs;
    await sweepEvidence(evidence, nowMs).catch(() => {});
  }
}

/** Makes room for a further file. Returns the path of a file to share if there are too many short ones. */
async function placeIn(directory: string): Promise<string | undefined> {
  const paths = (await readdir(directory)).filter((name) => nameIn(name) !== undefined);
  if (paths.length < FILES_MAX) return undefined;
  const files = await Promise.all(
    paths.map(async (name) => ({
      path: join(directory, name),
      stat: await statIfAny(join(directory, name)),
    })),
  );
  const oldestFirst = files.toSorted((a, b) => (a.stat?.mtimeMs ?? 0) - (b.stat?.mtimeMs ?? 0));
  const short = oldestFirst.find(({ stat: found }) => found !== undefined && found.size <= FILE_BYTES_MAX);
  if (short !== undefined) return short.path;
  for (const { path } of oldestFirst.slice(0, 1 + files.length - FILES_MAX))
    await unlink(path).catch(() => {});
  return undefined;
}

async function makeDirectories(target: string, directory: string): Promise<void> {
  const model = await stat(dirname(target));
  for (const path of [dirname(directory), directory]) {
    try {
      await mkdir(path, 0o700);
    } catch (error) {
      if (errorCode(error) === "EEXIST") continue;
      throw error;
    }
    const made = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await takeAfter(made, model, 0o7777);
    } finally {
      await made.close();
    }
  }
}

/** Gives a new file or directory the owner and the mode of another. Only root can give it another owner. */
async function takeAfter(made: FileHandle, model: Stats | undefined, modeMask: number): Promise<void> {
  if (model === undefined) return made.chmod(0o644);
  await made.chown(model.uid, model.gid).catch(() => {});
  await made.chmod(model.mode & modeMask);
}

async function statIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Evidence must not take the room that the end of a release needs. */
async function refuseFullDisk(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= ROOM_BYTES_MIN) return;
  const what = `the disk of ${directory} has less than ${ROOM_BYTES_MIN / 1024 / 1024} MiB left`;
  throw new StoreError("refused", `${what}, so it takes no evidence; make room there`);
}

function randomName(): string {
  return Array.from(randomBytes(8), (byte) => (byte % 36).toString(36)).join("");
}
