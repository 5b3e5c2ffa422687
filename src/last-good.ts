/**
 * The last good snapshot of each application, in `<state-dir>/snapshot/<application>.json`: what a daemon starts from
 * when it is restarted while the store is away. It carries the time of its reading, so that law 3 holds over the
 * restart: what is older than `unhealthy` is master, but for arcs that hold.
 */

import { accessSync, constants, mkdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "./atomic-file.ts";
import type { Reading } from "./feed/followed.ts";
import type { Log } from "./log.ts";
import { type Arc, checkRecord, VERSIONS_MAX } from "./record.ts";

/** A reading in the same application is saved at most this often. */
const SAVE_MIN_MS = 1_000;

/** Far more than the records of one application take; a larger file is not one of ours. */
const FILE_BYTES_MAX = 1024 * 1024;

/** What was saved, and how long ago it was read from the store. */
export interface LastGood {
  readonly arcs: readonly Arc[];
  /** Infinity where the clock says that it was read in the future: nothing can be known of its age. */
  readonly ageMs: number;
}

export class LastGoodSnapshots {
  readonly #directory: string;
  readonly #store: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #savedAtMs = new Map<string, number>();
  /** The latest reading of each application that is not written yet; a slow disk gets the newest alone. */
  readonly #unwritten = new Map<string, string>();
  #writing: Promise<void> | undefined;

  /**
   * Throws where the directory cannot be made or written to.
   *
   * @param store the store's address: what another one said is not believed
   * @param now the time of day in milliseconds, as `Date.now`: it has to mean something after a restart
   */
  constructor(stateDirectory: string, store: string, log: Log, now: () => number = Date.now) {
    this.#store = store;
    this.#directory = join(stateDirectory, "snapshot");
    this.#log = log;
    this.#now = now;
    mkdirSync(this.#directory, { recursive: true });
    accessSync(this.#directory, constants.W_OK | constants.X_OK);
  }

  /** What was saved of an application; undefined where there is nothing, or nothing that can be used. */
  async load(application: string): Promise<LastGood | undefined> {
    const path = this.#path(application);
    let text: string;
    try {
      text = (await stat(path)).size <= FILE_BYTES_MAX ? await readFile(path, "utf8") : "";
    } catch {
      return undefined;
    }
    const saved = parse(text);
    if (saved !== undefined && saved.store !== this.#store) {
      this.#log.info("the saved snapshot is another store's; starting without it", { application, path });
      return undefined;
    }
    if (saved === undefined) {
      this.#log.warn("the saved snapshot cannot be used; starting without it", { application, path });
      return undefined;
    }
    const ageMs = this.#now() - saved.readAtMs;
    return { arcs: saved.arcs, ageMs: ageMs >= 0 ? ageMs : Number.POSITIVE_INFINITY };
  }

  /** Saves a reading in the background. Never throws. */
  save({ application, arcs, ageMs }: Reading): void {
    const nowMs = this.#now();
    const records = Object.fromEntries(arcs.map(({ version, ...record }) => [version, record]));
    const readAt = new Date(nowMs - ageMs).toISOString();
    this.#unwritten.set(application, `${JSON.stringify({ store: this.#store, readAt, records })}\n`);
    const sinceMs = Math.abs(nowMs - (this.#savedAtMs.get(application) ?? Number.NEGATIVE_INFINITY));
    if (sinceMs < SAVE_MIN_MS) return;
    this.#savedAtMs.set(application, nowMs);
    this.#write();
  }

  /** Writes what has not been written yet, and resolves when that is done. */
  async close(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #write(): void {
    if (this.#unwritten.size > 0) this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    for (const [application, text] of this.#unwritten) {
      this.#unwritten.delete(application);
      try {
        await writeAtomically(this.#path(application), text);
      } catch (error) {
        this.#log.warn(
          "the snapshot could not be saved; after a restart without the store all go to master",
          {
            application,
            error: error instanceof Error ? error.message : String(error),
          },
        );
      }
    }
    this.#writing = undefined;
  }

  #path(application: string): string {
    return join(this.#directory, `${application}.json`);
  }
}

function parse(text: string): { store: unknown; arcs: Arc[]; readAtMs: number } | undefined {
  let saved: { store?: unknown; readAt?: unknown; records?: unknown } | null;
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
  return { store: saved.store, arcs, readAtMs };
}
