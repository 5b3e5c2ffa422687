/**
 * Reports when a path leads to another file or to other content.
 *
 * It watches directories, never the file, because editors, `mv` and deployment tools replace the file, and a
 * watch would stay on the old one. After an event it compares the file's fingerprint, and calls the listeners
 * only if that differs. If a directory is removed, its watch ends. From then on each read of the store calls
 * `look`, which watches again as soon as the directory exists.
 */

import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { errorCode } from "./faults.ts";
import { fingerprint, followLinks } from "./links.ts";

/** One save is several events: wait this long after the first one, then look once. */
const DEBOUNCE_MS = 20;

export class FileWatch {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  readonly #listeners = new Set<() => void>();
  /** By the directory's path and identity, so that a directory that was replaced is watched again. */
  readonly #watchers = new Map<string, FSWatcher>();
  #fingerprint: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking = false;
  #lookAgain = false;
  #isWarned = false;

  /** @param path absolute */
  constructor(path: string, warn: (message: string) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /**
   * Calls `changed` after each change, and once when the watch has begun, because it does not report earlier
   * changes.
   */
  add(changed: () => void): () => void {
    const listener = () => changed();
    this.#listeners.add(listener);
    this.#fingerprint = undefined;
    this.look();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Looks at the file, and renews the watches; returns at once. Does nothing without a listener. */
  look(): void {
    if (this.#listeners.size === 0) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    void this.#look().finally(() => {
      this.#looking = false;
      if (this.#lookAgain) {
        this.#lookAgain = false;
        this.look();
      }
    });
  }

  close(): void {
    this.#listeners.clear();
    this.#dropWatchers(() => true);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const { target, directories } = await followLinks(this.#path);
    const wanted = new Map<string, string>();
    for (const directory of directories) {
      const identity = await identityOf(directory);
      if (identity !== undefined) wanted.set(identity, directory);
    }
    if (this.#listeners.size === 0) return;
    this.#dropWatchers((identity) => !wanted.has(identity));
    for (const [identity, directory] of wanted) {
      if (!this.#watchers.has(identity)) this.#watchDirectory(identity, directory);
    }

    // The fingerprint is taken only now, so that the watches report every later change.
    const found = await fingerprint(target);
    if (found === this.#fingerprint) return;
    this.#fingerprint = found;
    for (const listener of this.#listeners) listener();
  }

  #watchDirectory(identity: string, directory: string): void {
    try {
      // Every event counts, because its name may be that of the file, a link or the directory, or be
      // missing.
      const watcher = watch(directory, () => this.#lookSoon());
      watcher.on("error", () => {
        this.#dropWatchers((candidate) => candidate === identity);
        this.#lookSoon();
      });
      this.#watchers.set(identity, watcher);
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT" || this.#isWarned) return;
      this.#isWarned = true;
      const remedy =
        code === "ENOSPC" || code === "EMFILE" ? "; raise fs.inotify.max_user_watches and _instances" : "";
      this.#warn(`${directory} cannot be watched (${code}), so changes are found by the poll${remedy}`);
    }
  }

  #lookSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.look();
    }, DEBOUNCE_MS);
  }

  #dropWatchers(isDropped: (identity: string) => boolean): void {
    for (const [identity, watcher] of this.#watchers) {
      if (!isDropped(identity)) continue;
      this.#watchers.delete(identity);
      watcher.close();
    }
  }
}

async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true });
    return `${directory} ${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
