/**
 * Store → rollout. The feed reads snapshots, checks them, and swaps the tables. It is the only writer of the
 * rollout table (law 2).
 *
 * One loop reads for all applications. Applications that are due at the same time are read together, so a
 * store of ten thousand applications is asked once, and not ten thousand times. An application is due again
 * after `delay`, or at once if the store's watch nudges. A watch is only a nudge: if a push is lost, the poll
 * finds the change.
 *
 * A read that fails is tried again sooner than `delay` at first, then every `delay`, because being back soon
 * is worth more than a quiet log. So a store that fails is asked at most twice as often as a healthy one. All
 * waits have jitter, because a fleet that lost its store at the same moment must not come back at the same
 * moment.
 *
 *     start ─▶ due ─▶ reading ─ok──▶ apply ─▶ waits for delay ──────┐
 *               ▲        └─error──▶ count ─▶ waits for back-off ───┤
 *               └──────────────── time, or a nudge ◀───────────────┘
 *
 * A round is the set of applications that are read together. Rounds may overlap, because a store that hangs
 * for some applications must not delay the others. An application is in one round at a time. The other files
 * of `feed/` limit the time of a read, refuse an answer that is older than the last one, and check its
 * records. This work is done in slices of time, and visitors are answered between two slices.
 *
 * A table's age counts from the moment at which the store was asked, not from its answer, because the records
 * may have been read at any time between.
 */

import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Rollout } from "../rollout.ts";
import { Slices } from "../slices.ts";
import { type Store, StoreError } from "../stores/store.ts";
import { BoundedReads } from "./bounded-read.ts";
import { Expiry } from "./expiry.ts";
import { type FeedState, Followed } from "./followed.ts";
import type { LastGood, ReadingFollower } from "./reading.ts";
import { Tellings } from "./tellings.ts";

/**
 * The first wait after a failure, as a fraction of `delay`. It doubles with each further failure, up to
 * `delay`.
 */
const BACKOFF_START = 1 / 4;

/**
 * Waits are shortened by up to this fraction. They are never lengthened, because a change must be found
 * within `delay`.
 */
const JITTER = 0.2;

/**
 * The same after a failure. It is larger because a push makes a whole fleet read at once, and if that read
 * fails, the next ones must be spread widely.
 */
const BACKOFF_JITTER = 0.75;

/**
 * A watch that never stops nudging causes at most one read in this time, and fewer reads while the store
 * fails.
 */
const NUDGE_MIN_MS = 10;
const NUDGE_MIN_FAILING_MS = 100;

/**
 * A poll also reads the applications that would be due within this fraction of `delay`, so that they stay
 * together.
 */
const ALONG = 1 / 2;

/** At most this many rounds are under way. Other applications that are due wait until one ends. */
const ROUNDS_MAX = 4;

/** If the store has no `readMany`, at most this many reads of a round are under way. */
const READS_MAX = 32;

/** At most this many saved snapshots are read from the disk at the same time. */
const LOADS_MAX = 8;

export interface FeedOptions {
  readonly store: Store;
  readonly rollout: Rollout;
  readonly delayMs: number;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Called after each successful read, in this order. */
  readonly followers?: readonly ReadingFollower[];
  /** Loads the snapshot that an earlier process saved; it counts until the first read succeeds. */
  readonly lastGood?: (application: string) => Promise<LastGood | undefined>;
  /** The clock of `Rollout.apply`, in milliseconds; monotonic. */
  readonly clock?: () => number;
  readonly random?: () => number;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #followed: readonly Followed[];
  readonly #reads: BoundedReads;
  /** For a store without `readMany`; made when an application is first read. */
  readonly #readsOf = new Map<Followed, BoundedReads>();
  readonly #expiry: Expiry;
  readonly #ending = new AbortController();
  readonly #rounds = new Set<Promise<void>>();
  readonly #unwatches: (() => void)[] = [];
  readonly #firstRound = Promise.withResolvers<void>();
  #hasBegun = false;
  #lastGood: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();
  #roundBeganAtMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAtMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;

  constructor(options: FeedOptions) {
    const { rollout, store, log, metrics, followers = [] } = options;
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#followed = rollout.applications.map(
      (application) =>
        new Followed(application, {
          ...{ rollout, log, followers, clock: this.#clock },
          counts: metrics.feed(application),
          store: store.address,
        }),
    );
    this.#reads = new BoundedReads(this.#ending.signal);
    this.#expiry = new Expiry(this.#followed, () => this.#tellings(), this.#clock);
  }

  /** Begins to read; returns at once. */
  start(): void {
    const { store } = this.#options;
    for (const followed of this.#followed) {
      const unwatch = store.watch?.(followed.application, () => this.#nudge(followed));
      if (unwatch !== undefined) this.#unwatches.push(unwatch);
    }
    this.#running = this.#run();
    this.#lastGood = this.#startFromLastGood();
  }

  /**
   * Resolves when every application has been read, or its first read has failed and its saved snapshot has
   * been loaded, if there is one. From then on visitors get the best answer that the daemon can give.
   */
  async begun(): Promise<void> {
    await this.#firstRound.promise;
    if (!this.#followed.every((followed) => followed.wasRead)) await this.#lastGood;
  }

  /** Whether a snapshot of every application has been applied (law 7). */
  get isReady(): boolean {
    return this.#followed.every((followed) => followed.isReady);
  }

  /** In the order of the applications. The objects are live: they change while the feed runs. */
  get states(): readonly FeedState[] {
    return this.#followed;
  }

  /** Ends all reads and watches. The tables stay as they are. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#expiry.close();
    for (const unwatch of this.#unwatches.splice(0)) unwatch();
    this.#wake?.();
    await this.#running;
    await Promise.all(this.#rounds);
  }

  #nudge(followed: Followed): void {
    if (followed.isReading) {
      followed.isNudged = true;
      return;
    }
    followed.dueAtMs = Math.min(followed.dueAtMs, followed.notBeforeMs);
    // The loop computes the time again, so a thousand nudges at once wake it only once.
    if (followed.dueAtMs < this.#wakesAtMs) this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const nowMs = this.#clock();
      const nextAtMs = this.#nextAtMs();
      if (nextAtMs <= nowMs) this.#begin(this.#due(nowMs), nowMs);
      else await this.#sleep(nextAtMs, nowMs);
    }
  }

  /** When the next round is to begin, on the feed's clock; Infinity if a round has to end first. */
  #nextAtMs(): number {
    if (this.#rounds.size >= ROUNDS_MAX) return Number.POSITIVE_INFINITY;
    let nextAtMs = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#followed) if (dueAtMs < nextAtMs) nextAtMs = dueAtMs;
    return Math.max(nextAtMs, this.#roundBeganAtMs + NUDGE_MIN_MS);
  }

  #due(nowMs: number): Followed[] {
    const alongMs = nowMs + this.#options.delayMs * ALONG;
    const isPoll = this.#followed.some(
      ({ dueAtMs, notBeforeMs }) => dueAtMs <= nowMs && dueAtMs > notBeforeMs,
    );
    return this.#followed.filter(
      ({ dueAtMs, failures, notBeforeMs }) =>
        dueAtMs <= nowMs || (isPoll && failures === 0 && dueAtMs <= alongMs && notBeforeMs <= nowMs),
    );
  }

  async #sleep(untilMs: number, nowMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakesAtMs = untilMs;
      this.#wake = resolve;
      if (untilMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(resolve, untilMs - nowMs);
    });
    clearTimeout(this.#timer);
    this.#wake = undefined;
    this.#wakesAtMs = Number.NEGATIVE_INFINITY;
  }

  #begin(round: readonly Followed[], nowMs: number): void {
    this.#roundBeganAtMs = nowMs;
    for (const followed of round) {
      followed.isReading = true;
      followed.isNudged = false;
      followed.dueAtMs = Number.POSITIVE_INFINITY;
    }
    const reading = this.#read(round, nowMs).finally(() => {
      this.#rounds.delete(reading);
      this.#wake?.();
    });
    this.#rounds.add(reading);
  }

  /** Never rejects. */
  async #read(round: readonly Followed[], askedAtMs: number): Promise<void> {
    const tellings = this.#tellings();
    const random = this.#random();
    const { store } = this.#options;
    if (store.readMany === undefined) await this.#readEach(round, random, tellings);
    else await this.#readTogether(store.readMany.bind(store), round, askedAtMs, random, tellings);
    if (this.#ending.signal.aborted) return;
    this.#expiry.watch();
    tellings.flush(this.#clock());
    this.#hasBegun ||= this.#followed.every(({ hasBegun }) => hasBegun);
    if (this.#hasBegun) this.#firstRound.resolve();
  }

  async #readTogether(
    readMany: NonNullable<Store["readMany"]>,
    round: readonly Followed[],
    askedAtMs: number,
    random: number,
    tellings: Tellings,
  ): Promise<void> {
    const applications = round.map(({ application }) => application);
    let answer: Awaited<ReturnType<typeof readMany>> | undefined;
    let failure: unknown;
    try {
      answer = await this.#reads.run((signal) => readMany(applications, signal));
      if (typeof answer?.get !== "function")
        throw new StoreError("malformed", "readMany answered nothing to get from");
    } catch (error) {
      failure = error;
    }
    // The same time for all, so that applications that were read together are due together.
    const answeredAtMs = this.#clock();
    const slices = new Slices();
    for (const followed of round) {
      if (slices.isOverNow()) await slices.next();
      if (this.#ending.signal.aborted) return;
      try {
        if (failure !== undefined) throw failure;
        const snapshot = answer?.get(followed.application);
        // `instanceof Error`, because the `StoreError` of a store module may be another copy of the class.
        if (snapshot instanceof Error) throw snapshot;
        if (snapshot === undefined) throw new StoreError("malformed", "the store left an application out");
        // `get` may have used up the slice, if the application has many records.
        if (slices.isOverNow()) await slices.next();
        followed.take(snapshot, askedAtMs, true, tellings);
      } catch (error) {
        followed.fail(error, tellings);
      }
      this.#end(followed, askedAtMs, answeredAtMs, random);
    }
  }

  async #readEach(round: readonly Followed[], random: number, tellings: Tellings): Promise<void> {
    const waiting = round[Symbol.iterator]();
    const readOn = async () => {
      for (const followed of waiting) {
        if (this.#ending.signal.aborted) return;
        const askedAtMs = this.#clock();
        await this.#readOne(followed, askedAtMs, tellings);
        this.#end(followed, askedAtMs, this.#clock(), random);
      }
    };
    await Promise.all(Array.from({ length: Math.min(READS_MAX, round.length) }, readOn));
  }

  async #readOne(followed: Followed, askedAtMs: number, tellings: Tellings): Promise<void> {
    const reads = this.#readsOf.get(followed) ?? new BoundedReads(this.#ending.signal);
    this.#readsOf.set(followed, reads);
    const { store } = this.#options;
    try {
      const snapshot = await reads.run((signal) => store.read(followed.application, signal));
      if (this.#ending.signal.aborted) return;
      followed.take(snapshot, askedAtMs, false, tellings);
      this.#expiry.watch();
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      followed.fail(error, tellings);
    }
    tellings.flushIfDue(this.#clock());
  }

  /**
   * The next read begins `delay` after this one began, not after it ended. Otherwise the values of a slow
   * store could become stale between two reads that both succeed.
   */
  #end(followed: Followed, askedAtMs: number, answeredAtMs: number, random: number): void {
    const { failures } = followed;
    followed.isReading = false;
    followed.notBeforeMs = answeredAtMs + (failures === 0 ? NUDGE_MIN_MS : NUDGE_MIN_FAILING_MS);
    const dueAtMs = askedAtMs + pauseMs(this.#options.delayMs, failures, random);
    followed.dueAtMs = followed.isNudged ? followed.notBeforeMs : Math.max(dueAtMs, followed.notBeforeMs);
  }

  /**
   * Runs beside the first reads, because a disk may hang as a store may. The order does not matter: a read of
   * the store always replaces a saved snapshot.
   */
  async #startFromLastGood(): Promise<void> {
    const { lastGood } = this.#options;
    if (lastGood === undefined) return;
    const tellings = this.#tellings();
    const waiting = this.#followed[Symbol.iterator]();
    const loadOn = async () => {
      for (const followed of waiting) {
        if (this.#ending.signal.aborted) return;
        const loaded = followed.wasRead ? undefined : await lastGood(followed.application);
        if (loaded !== undefined && !this.#ending.signal.aborted) followed.startFrom(loaded, tellings);
      }
    };
    await Promise.all(Array.from({ length: LOADS_MAX }, loadOn));
    if (this.#ending.signal.aborted) return;
    this.#expiry.watch();
    tellings.flush(this.#clock());
  }

  #tellings(): Tellings {
    const { log, store, rollout } = this.#options;
    return new Tellings(log, store.address, rollout.unhealthyMs);
  }
}

/**
 * The time between the beginnings of two reads, in milliseconds.
 *
 * @param failures how many reads have failed in a row; 0 after a success
 * @param random   uniform in [0, 1)
 */
export function pauseMs(delayMs: number, failures: number, random: number): number {
  if (failures === 0) return delayMs * (1 - JITTER * random);
  const boundMs = Math.min(delayMs, delayMs * BACKOFF_START * 2 ** Math.min(failures - 1, 10));
  return boundMs * (1 - BACKOFF_JITTER * random);
}
