/**
 * Store → rollout: reads snapshots, checks them, and swaps the table. The only writer of the rollout table (law 2).
 *
 * For each application one loop: read, apply, wait until `delay` has passed or the store's watch nudges, again. A
 * watch is only a nudge; the poll behind it finds what a lost push did not tell. A read that fails is tried again
 * sooner than `delay` at first, then at `delay`: being back quickly is worth more here than a quiet log, and a store
 * that polls at `delay` when well is asked at most twice as often when it is ill. All waits have jitter, so that a fleet
 * that lost its store together does not come back together.
 *
 *     start ─▶ reading ─ok──▶ apply ─▶ waiting(delay) ──────┐
 *                ▲  └─error─▶ count ─▶ waiting(back-off) ───┤
 *                └──────────── time, or a nudge ◀───────────┘
 *
 * What a read goes through is in `feed/`: it ends in time, is no older than the last one, and its records are checked.
 *
 * A table's age counts from the moment at which the store was asked, not answered: what it holds is no newer.
 */

import { BoundedReads, READ_TIMEOUT_MS } from "./feed/bounded-read.ts";
import { type Checked, COMPLAINTS_MAX, checkSnapshot } from "./feed/check-snapshot.ts";
import { Expiry } from "./feed/expiry.ts";
import { Positions } from "./feed/positions.ts";
import type { LastGood } from "./last-good.ts";
import type { Log } from "./log.ts";
import type { FeedCounts, Metrics } from "./metrics.ts";
import { type Arc, MAINTENANCE } from "./record.ts";
import { findOverlap, type Rollout, spell } from "./rollout.ts";
import { type Snapshot, type Store, StoreError } from "./stores/store.ts";

/** The first wait after a failure, as a part of `delay`; it doubles with each further one, up to `delay`. */
const BACKOFF_START = 1 / 4;

/** Waits are shortened by up to this part, never lengthened: what changed is found within `delay`. */
const JITTER = 0.2;

/** A push makes a whole fleet read at once; where that read fails, the next ones are spread wide. */
const BACKOFF_JITTER = 0.75;

/** A watch that nudges without end costs at most a read in this time, and fewer while the store fails. */
const NUDGE_MIN_MS = 10;
const NUDGE_MIN_FAILING_MS = 100;

/** A successful read. */
export interface Reading extends Checked {
  readonly application: string;
  readonly snapshot: Snapshot;
  /** How long ago the store was asked for it. */
  readonly ageMs: number;
}

export interface FeedOptions {
  readonly store: Store;
  readonly rollout: Rollout;
  readonly delayMs: number;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Called after each successful read, when its table counts. Must not throw. */
  readonly onReading?: (reading: Reading) => void;
  /** What an earlier process saved, to start from until the first read succeeds. */
  readonly lastGood?: (application: string) => Promise<LastGood | undefined>;
  /** The clock of `Rollout.apply`, in milliseconds; monotonic. */
  readonly clock?: () => number;
  readonly random?: () => number;
}

/** What the feed knows of an application's reads, for `/state`. */
export interface FeedState {
  readonly application: string;
  /** The last failure, while it lasts. */
  readonly error: string | undefined;
  /** Versions whose record could not be used at the last read; the first few of them. */
  readonly malformed: readonly string[];
}

export class Feed {
  readonly #loops: readonly Loop[];

  constructor(options: FeedOptions) {
    this.#loops = options.rollout.applications.map((application) => new Loop(application, options));
  }

  /** Begins to read; returns at once. */
  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /** Resolves when every application has been read, or has failed to be: what visitors get then is the truth. */
  async begun(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.begun));
  }

  /** Whether a snapshot of every application has been applied (law 7). */
  get isReady(): boolean {
    return this.#loops.every((loop) => loop.isReady);
  }

  get states(): FeedState[] {
    return this.#loops.map(({ application, error, malformed }) => ({ application, error, malformed }));
  }

  /** Ends all reads and watches. The tables stay as they are. */
  async close(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.close()));
  }
}

/**
 * How long after a read began the next one begins, in milliseconds.
 *
 * @param failures how often it failed in a row; 0 after a success
 * @param random   uniform in [0, 1)
 */
export function pauseMs(delayMs: number, failures: number, random: number): number {
  if (failures === 0) return delayMs * (1 - JITTER * random);
  const boundMs = Math.min(delayMs, delayMs * BACKOFF_START * 2 ** Math.min(failures - 1, 10));
  return boundMs * (1 - BACKOFF_JITTER * random);
}

/** One application's loop. */
class Loop {
  readonly application: string;
  error: string | undefined;
  malformed: readonly string[] = [];
  isReady = false;
  readonly #options: FeedOptions;
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #counts: FeedCounts;
  readonly #ending = new AbortController();
  #failures = 0;
  readonly #reads: BoundedReads;
  readonly #positions = new Positions();
  readonly #expiry: Expiry;
  #nudged = false;
  #nudgeable = false;
  #wake: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  readonly #firstRead = Promise.withResolvers<void>();
  /** Resolves after the first read that succeeded, or that failed and left a saved snapshot to be looked for. */
  begun: Promise<void> = this.#firstRead.promise;

  constructor(application: string, options: FeedOptions) {
    this.application = application;
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#counts = options.metrics.feed(application);
    this.#reads = new BoundedReads(options.store, this.#ending.signal);
    this.#expiry = new Expiry(application, options.store.address, options.log, this.#clock);
  }

  start(): void {
    this.#unwatch = this.#options.store.watch?.(this.application, () => {
      this.#nudged = true;
      if (this.#nudgeable) this.#wake?.();
    });
    this.#running = this.#run();
    const lastGood = this.#startFromLastGood();
    this.begun = this.#firstRead.promise.then(() => (this.#counts.success > 0 ? undefined : lastGood));
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#expiry.close();
    this.#unwatch?.();
    this.#wake?.();
    await this.#running;
  }

  /** Beside the first read, since a disk may hang as well as a store; whichever is first, the store has the last word. */
  async #startFromLastGood(): Promise<void> {
    const lastGood = await this.#options.lastGood?.(this.application);
    const { rollout, log } = this.#options;
    if (lastGood === undefined || this.#ending.signal.aborted || this.#counts.success > 0) return;
    const nowMs = this.#clock();
    rollout.apply(this.application, lastGood.arcs, nowMs - lastGood.ageMs);
    const table = rollout.table(this.application);
    if (table?.isFresh(nowMs)) this.#expiry.watch(table);
    const { arcs, durationMs } = rollout.table(this.application)?.lease(nowMs) ?? { arcs: [], durationMs: 0 };
    this.isReady = durationMs > 0;
    const fields = { application: this.application, age: `${(lastGood.ageMs / 1000).toFixed(1)}s` };
    if (durationMs > 0)
      log.info("starting from the saved snapshot", { ...fields, arcs: spell(arcs) || "none" });
    else log.info("the saved snapshot is older than -unhealthy, so it does not count", fields);
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      this.#nudged = false;
      const beganAtMs = this.#clock();
      await this.#readOnce();
      this.#firstRead.resolve();
      const leastMs = this.#failures === 0 ? NUDGE_MIN_MS : NUDGE_MIN_FAILING_MS;
      await this.#sleep(leastMs, false);
      // The next read begins `delay` after this one began, not after it ended: a slow store must not let its own
      // values grow old between two reads that both succeed.
      const tookMs = this.#clock() - beganAtMs;
      if (!this.#nudged) await this.#sleep(Math.max(0, this.#pauseMs() - tookMs), true);
    }
  }

  #pauseMs(): number {
    return pauseMs(this.#options.delayMs, this.#failures, this.#random());
  }

  /** Waits for the time to pass or the end; where `nudgeable`, or for a nudge. */
  async #sleep(pauseMs: number, nudgeable: boolean): Promise<void> {
    if (this.#ending.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#nudgeable = nudgeable;
    });
    this.#wake = undefined;
    this.#nudgeable = false;
  }

  async #readOnce(): Promise<void> {
    const askedAtMs = this.#clock();
    let reading: Reading;
    try {
      const snapshot = await this.#reads.read(this.application);
      this.#refuseOutdated(snapshot);
      const ageMs = this.#clock() - askedAtMs;
      reading = { ...this.#check(snapshot), application: this.application, snapshot, ageMs };
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#fail(error);
      return;
    }
    this.#succeed(reading, askedAtMs);
  }

  /** Throws where a record is older than it was, and the last values still hold. */
  #refuseOutdated(snapshot: Snapshot): void {
    const { rollout, log, store } = this.#options;
    const outdated = this.#positions.outdated(snapshot);
    if (outdated !== undefined) {
      const { version, position, before } = outdated;
      if (rollout.table(this.application)?.isFresh(this.#clock())) {
        const what = `${version} went back from position ${before} to ${position}`;
        throw new StoreError(
          "outdated",
          `${what}: a replica that lags, or a backup; see which server answers`,
        );
      }
      log.error("the store stays at an older state than before: it counts as the truth from now on", {
        ...outdated,
        application: this.application,
        store: store.address,
        remedy: "if a backup was restored, look at the rollouts with get, and write them anew",
      });
    }
    this.#positions.accept(snapshot);
  }

  /** Throws where the store answered with what is no snapshot: that counts as a read that failed. */
  #check(snapshot: Snapshot): Checked {
    const { rollout, log, store } = this.#options;
    const before = rollout.table(this.application)?.arcs ?? [];
    return checkSnapshot(snapshot, before, (problem, version) => {
      const consequence = version === MAINTENANCE ? "leaves maintenance as it is" : "counts as rollout 0";
      log.warn(`a record cannot be used and ${consequence}`, {
        application: this.application,
        version,
        problem,
        store: store.address,
      });
    });
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#counts.failure++;
    this.error = describe(error);
    const table = this.#options.rollout.table(this.application);
    const ageMs = this.#clock() - (table?.readAtMs ?? Number.NEGATIVE_INFINITY);
    const now = table?.isFresh(this.#clock()) ? "its last values hold until they are unhealthy" : "master";
    this.#options.log.warn("the store could not be read", {
      application: this.application,
      store: this.#options.store.address,
      code: error instanceof StoreError ? error.code : undefined,
      error: this.error,
      age: Number.isFinite(ageMs) ? `${(ageMs / 1000).toFixed(1)}s` : "never read",
      now,
    });
  }

  #succeed(reading: Reading, askedAtMs: number): void {
    const { rollout, log, store } = this.#options;
    const { arcs, malformed } = reading;
    const before = rollout.table(this.application)?.arcs ?? [];
    const isFirst = this.#counts.success === 0;
    rollout.apply(this.application, arcs, askedAtMs);
    const table = rollout.table(this.application);
    if (table !== undefined) this.#expiry.watch(table);
    this.isReady = true;
    this.#counts.success++;
    this.#counts.malformed = malformed.size;
    this.malformed = [...malformed].slice(0, COMPLAINTS_MAX);
    if (this.#failures > 0) {
      log.info("the store answers again", { application: this.application, store: store.address });
    }
    this.#failures = 0;
    this.error = undefined;

    const after = rollout.table(this.application)?.arcs ?? [];
    if (isFirst || spell(before) !== spell(after)) {
      log.info("rollouts", { application: this.application, arcs: spell(after) || "none" });
      this.#warnOf(after, reading.snapshot);
    }
    this.#options.onReading?.(reading);
  }

  /** What an operator may not have meant, though it is no mistake. */
  #warnOf(arcs: readonly Arc[], snapshot: Snapshot): void {
    const { log, store } = this.#options;
    if (snapshot.size === 0) {
      log.warn("the store has no records of this application: everyone goes to master", {
        application: this.application,
        store: store.address,
        remedy: "see that -application and the store's address are spelled right, or write its first record",
      });
    }
    const overlap = findOverlap(arcs);
    if (overlap === undefined) return;
    const [first, second] = overlap;
    log.warn("two versions overlap: visitors in both arcs are served by the first", {
      application: this.application,
      first: spell([first]),
      second: spell([second]),
      remedy: `give ${second.version} another -offset`,
    });
  }
}

function describe(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${READ_TIMEOUT_MS / 1000}s`;
  }
  return error instanceof Error ? error.message : String(error);
}
