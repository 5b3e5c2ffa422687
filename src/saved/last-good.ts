/**
 * The last good snapshot of each application, saved for a daemon that restarts while the store is away. It
 * has the time of its read, so law 3 applies after the restart too: if the snapshot is older than
 * `unhealthy`, all visitors go to master, except those of versions with failsafe `hold`.
 *
 *     <state-dir>/snapshot/<application>.json              its arcs, and when they were read; written when they change
 *     <state-dir>/snapshot-times/<first application>.json  when they were last read again, unchanged
 *
 * The second file is for all applications of a daemon, so that ten thousand applications without changes cost
 * one small write now and then. It has an application only if the file of its arcs is up to date. It is
 * written four times in `unhealthy` at most. So after a restart, a snapshot may become stale a quarter of
 * `unhealthy` too early, but never too late.
 */

import { accessSync, constants, mkdirSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Arc } from "../circle.ts";
import type { LastGood, Reading } from "../feed/reading.ts";
import { writeAtomically } from "../files/atomic-file.ts";
import type { Log } from "../log/log.ts";
import { checkRecord, VERSIONS_MAX } from "../records/check.ts";
import { Slices } from "../slices.ts";
import { errorMessage } from "../text/error-message.ts";

/** Snapshots are written at most this often. */
const SAVE_MIN_MS = 1_000;

/** The times of reads are saved this often in `unhealthy`. */
const TIMES_IN_UNHEALTHY = 4;

/**
 * Times are written this long after the first read of a round, because the others of the round follow soon.
 */
const TIMES_DELAY_MS = 100;

/** Times are rounded down to a multiple of this, so that the reads of one round have one time. */
const TIME_STEP_MS = 100;

/** When the daemon ends, files that are not written within this time are not written. */
const CLOSE_MS = 1_000;

/**
 * Far more than the records of one application need. The daemon did not write a larger file, and does not
 * read it.
 */
const FILE_BYTES_MAX = 1024 * 1024;

/** Room for the names of ten thousand applications. */
const TIMES_BYTES_MAX = 4 * 1024 * 1024;

export interface LastGoodOptions {
  readonly stateDirectory: string;
  /** The store's address. A snapshot of another store is not used. */
  readonly store: string;
  /** The first application that the daemon serves. The file of the times has its name. */
  readonly application: string;
  readonly unhealthyMs: number;
  readonly log: Log;
  /** The time of day in milliseconds, as from `Date.now`, because it is compared after a restart. */
  readonly now?: () => number;
}

/** The last reading of one application. */
interface Kept {
  arcs: readonly Arc[];
  readAtMs: number;
  isWritten: boolean;
}

export class LastGoodSnapshots {
  readonly #directory: string;
  readonly #timesDirectory: string;
  readonly #options: LastGoodOptions;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  /** Applications whose arcs are not written yet. Only the newest arcs are written, if the disk is slow. */
  readonly #unwritten = new Set<string>();
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #timesAtMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #closesAtMs = Number.POSITIVE_INFINITY;
  /** The times that earlier processes saved, by application. */
  #times: Promise<ReadonlyMap<string, number>> | undefined;

  /** Throws if a directory cannot be made or written to. */
  constructor(options: LastGoodOptions) {
    this.#options = options;
    this.#directory = join(options.stateDirectory, "snapshot");
    this.#timesDirectory = join(options.stateDirectory, "snapshot-times");
    this.#now = options.now ?? Date.now;
    for (const directory of [this.#directory, this.#timesDirectory]) {
      mkdirSync(directory, { recursive: true });
      accessSync(directory, constants.W_OK | constants.X_OK);
    }
  }

  /** The saved snapshot of an application; undefined if there is none that can be used. */
  async load(application: string): Promise<LastGood | undefined> {
    const { log, store } = this.#options;
    const path = this.#path(application);
    const text = await textOf(path, FILE_BYTES_MAX);
    if (text === undefined) return undefined;
    const saved = parse(text);
    if (saved !== undefined && saved.store !== store) {
      log.info("the saved snapshot is from another store; the daemon starts without it", {
        application,
        path,
      });
      return undefined;
    }
    if (saved === undefined) {
      log.warn("the saved snapshot cannot be used; the daemon starts without it", { application, path });
      return undefined;
    }
    this.#times ??= this.#loadTimes();
    const readAtMs = Math.max(saved.readAtMs, (await this.#times).get(application) ?? saved.readAtMs);
    const ageMs = this.#now() - readAtMs;
    return { arcs: saved.arcs, ageMs: ageMs >= 0 ? ageMs : Number.POSITIVE_INFINITY };
  }

  /** Saves a reading in the background. Never throws. */
  save({ application, arcs, ageMs, isSame }: Reading): void {
    const nowMs = this.#now();
    const readAtMs = nowMs - ageMs;
    const kept = this.#kept.get(application);
    if (kept === undefined) this.#kept.set(application, { arcs, readAtMs, isWritten: false });
    else {
      kept.readAtMs = readAtMs;
      if (!isSame) {
        kept.arcs = arcs;
        kept.isWritten = false;
      }
    }
    if (kept?.isWritten !== true) this.#unwritten.add(application);
    if (this.#unwritten.size > 0 && Math.abs(nowMs - this.#beganAtMs) >= SAVE_MIN_MS) this.#write();
    const everyMs = this.#options.unhealthyMs / TIMES_IN_UNHEALTHY;
    if (this.#timer !== undefined || Math.abs(nowMs - this.#timesAtMs) < everyMs) return;
    this.#timesAtMs = nowMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#writeTimes());
    }, TIMES_DELAY_MS);
    this.#timer.unref();
  }

  /** Writes everything that is not written yet, within `CLOSE_MS`, and resolves then. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#closesAtMs = performance.now() + CLOSE_MS;
    this.#write();
    await this.#writing;
    if (this.#kept.size > 0) await this.#writeTimes();
  }

  #write(): void {
    if (this.#isWriting || this.#unwritten.size === 0) return;
    this.#isWriting = true;
    this.#beganAtMs = this.#now();
    this.#writing = this.#writing
      .then(() => this.#writeAll())
      .finally(() => {
        this.#isWriting = false;
      });
  }

  async #writeAll(): Promise<void> {
    const failed: string[] = [];
    let error: unknown;
    // The loop also visits applications that are added while it runs.
    for (const application of this.#unwritten) {
      if (performance.now() > this.#closesAtMs) break;
      this.#unwritten.delete(application);
      const kept = this.#kept.get(application);
      if (kept === undefined) continue;
      const { arcs } = kept;
      try {
        await this.#writeArcs(application, kept);
        kept.isWritten = kept.arcs === arcs;
      } catch (reason) {
        failed.push(application);
        error = reason;
      }
    }
    const left = this.#closesAtMs < Number.POSITIVE_INFINITY ? this.#unwritten.size : 0;
    if (failed.length === 0 && left === 0) return;
    const whose =
      failed.length === 1 && left === 0 ? { application: failed[0] } : { applications: failed.length + left };
    this.#options.log.warn(
      "the snapshot could not be saved; after a restart without the store, all visitors go to master",
      {
        ...whose,
        error: error === undefined ? "the daemon ended before it was written" : errorMessage(error),
      },
    );
  }

  async #writeArcs(application: string, { arcs, readAtMs }: Kept): Promise<void> {
    const { store } = this.#options;
    const path = this.#path(application);
    const records = JSON.stringify(
      Object.fromEntries(arcs.map(({ version, ...record }) => [version, record])),
    );
    const before = parse((await textOf(path, FILE_BYTES_MAX)) ?? "");
    // An earlier process wrote the same arcs, so the file stays. The file of times has the later time.
    const isSame =
      before?.store === store && before.readAtMs <= readAtMs && JSON.stringify(before.records) === records;
    if (isSame) return;
    const head = JSON.stringify({ store, readAt: new Date(readAtMs).toISOString() });
    await writeAtomically(path, `${head.slice(0, -1)},"records":${records}}\n`);
  }

  /** Saves the last read of every application whose arcs are on the disk. */
  async #writeTimes(): Promise<void> {
    const { store, application: first, log } = this.#options;
    const slices = new Slices();
    const byTime = new Map<number, string[]>();
    for (const [application, { readAtMs, isWritten }] of this.#kept) {
      if (slices.isOver()) await slices.next();
      if (!isWritten) continue;
      const timeMs = Math.floor(readAtMs / TIME_STEP_MS) * TIME_STEP_MS;
      const applications = byTime.get(timeMs) ?? [];
      byTime.set(timeMs, applications);
      applications.push(JSON.stringify(application));
    }
    const reads = [...byTime].map(
      ([timeMs, applications]) =>
        `{"readAt":"${new Date(timeMs).toISOString()}","applications":[${applications.join()}]}`,
    );
    try {
      const text = `{"store":${JSON.stringify(store)},"reads":[${reads.join()}]}\n`;
      await writeAtomically(join(this.#timesDirectory, `${first}.json`), text);
    } catch (error) {
      log.warn(
        "the times of the last reads could not be saved; after a restart, snapshots count as older than they are",
        {
          error: errorMessage(error),
        },
      );
    }
  }

  /**
   * Reads the files of all daemons with this state directory and this store, because the first application of
   * an earlier process may have been another one.
   */
  async #loadTimes(): Promise<ReadonlyMap<string, number>> {
    const times = new Map<string, number>();
    for (const name of await readdir(this.#timesDirectory).catch(() => [])) {
      const text = await textOf(join(this.#timesDirectory, name), TIMES_BYTES_MAX);
      for (const { readAtMs, applications } of parseTimes(text ?? "", this.#options.store)) {
        for (const application of applications) {
          times.set(application, Math.max(readAtMs, times.get(application) ?? readAtMs));
        }
      }
    }
    return times;
  }

  #path(application: string): string {
    return join(this.#directory, `${application}.json`);
  }
}

/** Undefined if the file cannot be read; empty if it is longer than `bytesMax`. */
async function textOf(path: string, bytesMax: number): Promise<string | undefined> {
  try {
    return (await stat(path)).size <= bytesMax ? await readFile(path, "utf8") : "";
  } catch {
    return undefined;
  }
}

interface Saved {
  readonly store: unknown;
  readonly records: object;
  readonly arcs: Arc[];
  readonly readAtMs: number;
}

function parse(text: string): Saved | undefined {
  const saved = parseObject(text);
  const readAtMs = Date.parse(String(saved?.["readAt"]));
  const records = saved?.["records"];
  if (Number.isNaN(readAtMs) || typeof records !== "object" || records === null) return undefined;
  const arcs = Object.entries(records)
    .slice(0, VERSIONS_MAX)
    .map(([version, record]) => checkRecord(version, record))
    .filter(({ problem }) => problem === undefined)
    .map(({ arc }) => arc);
  return { store: saved?.["store"], records, arcs, readAtMs };
}

/** The reads in a file of times; empty if the file cannot be used, or is another store's. */
function parseTimes(text: string, store: string): { readAtMs: number; applications: string[] }[] {
  const saved = parseObject(text);
  const reads = saved?.["reads"];
  if (saved?.["store"] !== store || !Array.isArray(reads)) return [];
  return reads.flatMap((read: unknown) => {
    const { readAt, applications } = (read ?? {}) as {
      readonly readAt?: unknown;
      readonly applications?: unknown;
    };
    const readAtMs = Date.parse(String(readAt));
    if (Number.isNaN(readAtMs) || !Array.isArray(applications)) return [];
    return [{ readAtMs, applications: applications.filter((name) => typeof name === "string") }];
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
