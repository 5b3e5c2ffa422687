/**
 * The last good snapshot of each application, in `<state-dir>/snapshot/<application>.json`: what a daemon starts from
 * when it is restarted while the store is away. It carries the time of its reading, so that law 3 holds over the
 * restart: what is older than `unhealthy` is master, but for arcs that hold.
 */

import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "./atomic-file.ts";
import type { Reading } from "./feed.ts";
import type { Log } from "./log.ts";
import { type Arc, checkRecord, VERSIONS_MAX } from "./record.ts";

/** A reading in the same application is saved at most this often. */
const SAVE_MIN_MS = 1_000;

/** Far more than the records of one application take; a larger file is not one of ours. */
const FILE_LENGTH_MAX = 1024 * 1024;

/** What was saved, and how long ago it was read from the store. */
export interface LastGood {
  readonly arcs: readonly Arc[];
  /** Infinity where the clock says that it was read in the future: nothing can be known of its age. */
  readonly ageMs: number;
}

export class LastGoodSnapshots {
  readonly #directory: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #savedAtMs = new Map<string, number>();
  #saving: Promise<void> = Promise.resolve();

  /**
   * Throws where the directory cannot be made.
   *
   * @param now the time of day in milliseconds, as `Date.now`: it has to mean something after a restart
   */
  constructor(stateDirectory: string, log: Log, now: () => number = Date.now) {
    this.#directory = join(stateDirectory, "snapshot");
    this.#log = log;
    this.#now = now;
    mkdirSync(this.#directory, { recursive: true });
  }

  /** What was saved of an application; undefined where there is nothing, or nothing that can be used. */
  async load(application: string): Promise<LastGood | undefined> {
    const path = this.#path(application);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch {
      return undefined;
    }
    const saved = text.length <= FILE_LENGTH_MAX ? parse(text) : undefined;
    if (saved === undefined) {
      this.#log.warn("the saved snapshot cannot be used; starting without it", { application, path });
      return undefined;
    }
    const ageMs = this.#now() - saved.readAtMs;
    return { arcs: saved.arcs, ageMs: ageMs >= 0 ? ageMs : Number.POSITIVE_INFINITY };
  }

  /** Saves a reading in the background. Never throws. */
  save({ application, arcs }: Reading): void {
    const readAtMs = this.#now();
    if (Math.abs(readAtMs - (this.#savedAtMs.get(application) ?? Number.NEGATIVE_INFINITY)) < SAVE_MIN_MS)
      return;
    this.#savedAtMs.set(application, readAtMs);
    const records = Object.fromEntries(arcs.map(({ version, ...record }) => [version, record]));
    const text = `${JSON.stringify({ readAt: new Date(readAtMs).toISOString(), records })}\n`;
    this.#saving = this.#saving
      .then(() => writeAtomically(this.#path(application), text))
      .catch((error: Error) => {
        this.#log.warn(
          "the snapshot could not be saved; after a restart without the store all go to master",
          {
            application,
            error: error.message,
          },
        );
      });
  }

  /** Resolves when what was begun is written. */
  async close(): Promise<void> {
    await this.#saving;
  }

  #path(application: string): string {
    return join(this.#directory, `${application}.json`);
  }
}

function parse(text: string): { arcs: Arc[]; readAtMs: number } | undefined {
  let saved: { readAt?: unknown; records?: unknown } | null;
  try {
    saved = JSON.parse(text);
  } catch {
    return undefined;
  }
  const readAtMs = Date.parse(String(saved?.readAt));
  if (Number.isNaN(readAtMs) || typeof saved?.records !== "object" || saved.records === null)
    return undefined;
  const arcs = Object.entries(saved.records)
    .slice(0, VERSIONS_MAX)
    .map(([version, record]) => checkRecord(version, record))
    .filter(({ problem }) => problem === undefined)
    .map(({ arc }) => arc);
  return { arcs, readAtMs };
}
