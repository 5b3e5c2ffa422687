/**
 * Store → rollout. The feed reads snapshots, checks them, and swaps the tables. It is the only writer of the
 * rollout table (law 2).
 *
 * One loop reads for all applications. Applications that are due at the same time are read together, so a
 * store of ten thousand applications is asked once, and not ten thousand times. A watch is only a nudge: if a
 * push is lost, the poll finds the change.
 *
 *     start ─▶ due ─▶ reading ─ok──▶ apply ─▶ waits for delay ──────┐
 *               ▲        └─error──▶ count ─▶ waits for back-off ───┤
 *               └──────────────── time, or a nudge ◀───────────────┘
 *
 * A round is the set of applications that are read together. Rounds may overlap, because a store that hangs
 * for some applications must not delay the others. An application is in one round at a time.
 *
 * `schedule.ts` says when an application is due, and `round.ts` reads a round. The other files of `feed/`
 * limit the time of a read, refuse an answer that is older than the last one, and check its records.
 *
 * A table's age counts from the moment at which the store was asked, not from its answer, because the records
 * may have been read at any time between.
 */

import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Rollout } from "../rollout.ts";
import type { Store } from "../stores/store.ts";
import { SYSTEM_TIMERS, type Timers } from "../timers.ts";
import { Expiry } from "./expiry.ts";
import { type FeedState, Followed } from "./followed.ts";
import type { ArcOverrides, FailureFollower, LastGood, ReadingFollower } from "./reading.ts";
import { RoundReader } from "./round.ts";
import { Schedule } from "./schedule.ts";
import { Tellings } from "./tellings.ts";

/** At most this many rounds are under way. Other applications that are due wait until one ends. */
const ROUNDS_MAX = 4;

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
  /** Called after each read that failed. */
  readonly failed?: FailureFollower;
  /** Asked when arcs are built. After a change of its answers, call `reapply`. */
  readonly overrides?: ArcOverrides | undefined;
  /** Loads the snapshot that an earlier process saved; it counts until the first read succeeds. */
  readonly lastGood?: (application: string) => Promise<LastGood | undefined>;
  /** The clock of `Rollout.apply`, in milliseconds; monotonic. */
  readonly clock?: () => number;
  readonly random?: () => number;
  readonly timers?: Timers;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #timers: Timers;
  readonly #followed: readonly Followed[];
  readonly #schedule: Schedule<Followed>;
  readonly #reader: RoundReader;
  readonly #expiry: Expiry;
  readonly #ending = new AbortController();
  readonly #rounds = new Set<Promise<void>>();
  readonly #unwatches: (() => void)[] = [];
  readonly #firstRound = Promise.withResolvers<void>();
  #hasBegun = false;
  /** Saved snapshots are still looked for. */
  #isLoading = false;
  #lastGood: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();
  #timer: unknown;
  #wakesAtMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;

  constructor(options: FeedOptions) {
    const { rollout, store, log, metrics, delayMs, followers = [], failed, overrides } = options;
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#timers = options.timers ?? SYSTEM_TIMERS;
    this.#followed = rollout.applications.map(
      (application) =>
        new Followed(application, {
          ...{ rollout, log, followers, failed, overrides, clock: this.#clock },
          counts: metrics.feed(application),
          store: store.address,
        }),
    );
    this.#expiry = new Expiry(this.#followed, () => this.#tellings(), this.#clock, this.#timers);
    const schedule = new Schedule(this.#followed, delayMs);
    this.#schedule = schedule;
    this.#reader = new RoundReader({
      ...{ store, clock: this.#clock, timers: this.#timers, ending: this.#ending.signal },
      ended: (...read) => schedule.end(...read),
      wrote: () => this.#expiry.watch(),
    });
  }

  /** Begins to read; returns at once. */
  start(): void {
    const { store } = this.#options;
    for (const followed of this.#followed) {
      const unwatch = store.watch?.(followed.application, () => this.#nudge(followed));
      if (unwatch !== undefined) this.#unwatches.push(unwatch);
    }
    this.#isLoading = this.#options.lastGood !== undefined;
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

  /** Builds the arcs of an application again, because the overrides have changed. The store is not read. */
  reapply(application: string): void {
    const tellings = this.#tellings();
    for (const followed of this.#followed)
      if (followed.application === application) followed.reapply(tellings);
    tellings.flush(this.#clock());
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
    this.#schedule.nudge(followed);
    // The loop computes the time again, so a thousand nudges at once wake it only once.
    if (followed.dueAtMs < this.#wakesAtMs) this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const nowMs = this.#clock();
      const nextAtMs = this.#nextAtMs();
      if (nextAtMs <= nowMs) this.#begin(this.#schedule.due(nowMs), nowMs);
      else await this.#sleep(nextAtMs, nowMs);
    }
  }

  /** When the next round is to begin, on the feed's clock; Infinity if a round has to end first. */
  #nextAtMs(): number {
    return this.#rounds.size >= ROUNDS_MAX ? Number.POSITIVE_INFINITY : this.#schedule.nextAtMs;
  }

  async #sleep(untilMs: number, nowMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakesAtMs = untilMs;
      this.#wake = resolve;
      if (untilMs < Number.POSITIVE_INFINITY) this.#timer = this.#timers.set(resolve, untilMs - nowMs);
    });
    this.#timers.clear(this.#timer);
    this.#wake = undefined;
    this.#wakesAtMs = Number.NEGATIVE_INFINITY;
  }

  #begin(round: readonly Followed[], nowMs: number): void {
    this.#schedule.begin(round, nowMs);
    const reading = this.#read(round, nowMs).finally(() => {
      this.#rounds.delete(reading);
      this.#wake?.();
    });
    this.#rounds.add(reading);
  }

  /** Never rejects. */
  async #read(round: readonly Followed[], askedAtMs: number): Promise<void> {
    const tellings = this.#tellings();
    await this.#reader.read({ followed: round, askedAtMs, random: this.#random(), tellings });
    if (this.#ending.signal.aborted) return;
    this.#expiry.watch();
    tellings.flush(this.#clock());
    this.#hasBegun ||= this.#followed.every(({ hasBegun }) => hasBegun);
    if (this.#hasBegun) this.#firstRound.resolve();
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
    this.#isLoading = false;
    if (this.#ending.signal.aborted) return;
    this.#expiry.watch();
    tellings.flush(this.#clock());
  }

  #tellings(): Tellings {
    const { log, store, rollout } = this.#options;
    return new Tellings({
      ...{ log, store: store.address, unhealthyMs: rollout.unhealthyMs },
      isLoading: () => this.#isLoading,
      isAllRead: () => this.#followed.every(({ failures }) => failures === 0),
      isAllFresh: () => this.#followed.every(({ expiry }) => expiry === "fresh"),
    });
  }
}
