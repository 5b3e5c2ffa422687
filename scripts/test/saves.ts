/**
 * Finds the files that were saved. It compares the times of all files, because an editor may replace a file,
 * a checkout may replace a folder, and a mounted folder may send no events. A comparison takes a few
 * milliseconds.
 */

import { statSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = "{src,test,scripts,bench,integrations,examples,docs,bin}/**/*";
const LOOK_EVERY_MS = 250;

export class Saves {
  readonly #root: string;
  readonly #glob = new Bun.Glob(FOLDERS);
  #times: ReadonlyMap<string, number>;

  constructor(root: string) {
    this.#root = root;
    this.#times = this.#look();
  }

  /** Waits for a save; resolves with all files that were saved, made or removed since the last time. */
  async next(): Promise<string[]> {
    for (;;) {
      const changed = this.#changed();
      if (changed.length > 0) return changed;
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  #changed(): string[] {
    const before = this.#times;
    const now = this.#look();
    this.#times = now;
    const changed = [...now].filter(([path, time]) => before.get(path) !== time).map(([path]) => path);
    const removed = [...before.keys()].filter((path) => !now.has(path));
    return [...changed, ...removed].sort();
  }

  #look(): Map<string, number> {
    const times = new Map<string, number>();
    for (const path of this.#glob.scanSync(this.#root)) {
      const stat = statSync(join(this.#root, path), { throwIfNoEntry: false });
      if (stat !== undefined) times.set(path, stat.mtimeMs);
    }
    return times;
  }
}
