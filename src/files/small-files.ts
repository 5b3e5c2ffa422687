/**
 * Small files in a directory, for what a controller must know after a restart. The names are plain: they have
 * no "/", and do not begin with ".".
 */

import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "./atomic-file.ts";

/** A longer file is not ours, and counts as missing. */
const FILE_BYTES_MAX = 64 * 1_024;

/** A directory with more files than this is not ours. The others are not looked at. */
const FILES_MAX = 10_000;

/** Each method rejects with the error of the system. */
export interface StateFiles {
  /** The names of all files. */
  list(): Promise<readonly string[]>;
  /** Undefined if there is no such file. */
  read(name: string): Promise<string | undefined>;
  /** Resolves when the file is on the disk, whole. */
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** The directory is made with the first file. */
export class DirectoryFiles implements StateFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async list(): Promise<readonly string[]> {
    try {
      const names = await readdir(this.#path);
      return names.filter((name) => name.endsWith(".json")).slice(0, FILES_MAX);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async read(name: string): Promise<string | undefined> {
    const path = join(this.#path, name);
    try {
      return (await stat(path)).size <= FILE_BYTES_MAX ? await readFile(path, "utf8") : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async write(name: string, text: string): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o755 });
    await writeAtomically(join(this.#path, name), text, { isSynced: true });
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#path, name), { force: true });
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
