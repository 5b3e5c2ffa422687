/**
 * Reads the applications of a round: by one question to the store if it has `readMany`, or else by one for
 * each of them. The answers are worked on in slices of time, and visitors are answered between two slices.
 */

import { Slices } from "../slices.ts";
import { type Snapshot, type Store, StoreError } from "../stores/store.ts";
import type { Timers } from "../timers.ts";
import { BoundedReads } from "./bounded-read.ts";
import type { Followed } from "./followed.ts";
import type { Tellings } from "./tellings.ts";

/** If the store has no `readMany`, at most this many reads of a round are under way. */
const READS_MAX = 32;

export interface RoundReaderOptions {
  readonly store: Store;
  readonly clock: () => number;
  readonly timers: Timers;
  /** Ends all reads. */
  readonly ending: AbortSignal;
  /** Called when the read of an application has ended, with success or not. */
  readonly ended: (followed: Followed, askedAtMs: number, answeredAtMs: number, random: number) => void;
  /** Called when a table has been written, and the round goes on. */
  readonly wrote: () => void;
}

/** One round that is under way. */
export interface Round {
  readonly followed: readonly Followed[];
  readonly askedAtMs: number;
  /** Uniform in [0, 1), for the jitter. */
  readonly random: number;
  readonly tellings: Tellings;
}

export class RoundReader {
  readonly #options: RoundReaderOptions;
  readonly #reads: BoundedReads;
  /** For a store without `readMany`; made when an application is first read. */
  readonly #readsOf = new Map<Followed, BoundedReads>();

  constructor(options: RoundReaderOptions) {
    this.#options = options;
    this.#reads = new BoundedReads(options.ending, options.timers);
  }

  /** Never rejects. */
  async read(round: Round): Promise<void> {
    const { store } = this.#options;
    if (store.readMany === undefined) await this.#readEach(round);
    else await this.#readTogether(store.readMany.bind(store), round);
  }

  async #readTogether(readMany: NonNullable<Store["readMany"]>, round: Round): Promise<void> {
    const { clock, ending, ended } = this.#options;
    const { askedAtMs, random, tellings } = round;
    const applications = round.followed.map(({ application }) => application);
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
    const answeredAtMs = clock();
    const slices = new Slices(clock);
    for (const followed of round.followed) {
      if (slices.isOverNow()) await slices.next();
      if (ending.aborted) return;
      try {
        if (failure !== undefined) throw failure;
        const snapshot = snapshotIn(answer?.get(followed.application));
        // `get` may have used up the slice, if the application has many records.
        if (slices.isOverNow()) await slices.next();
        followed.take(snapshot, askedAtMs, true, tellings);
      } catch (error) {
        followed.fail(error, tellings);
      }
      ended(followed, askedAtMs, answeredAtMs, random);
    }
  }

  async #readEach({ followed: all, random, tellings }: Round): Promise<void> {
    const { clock, ending, ended } = this.#options;
    const waiting = all[Symbol.iterator]();
    const readOn = async () => {
      for (const followed of waiting) {
        if (ending.aborted) return;
        const askedAtMs = clock();
        await this.#readOne(followed, askedAtMs, tellings);
        ended(followed, askedAtMs, clock(), random);
      }
    };
    await Promise.all(Array.from({ length: Math.min(READS_MAX, all.length) }, readOn));
  }

  async #readOne(followed: Followed, askedAtMs: number, tellings: Tellings): Promise<void> {
    const { store, clock, timers, ending, wrote } = this.#options;
    const reads = this.#readsOf.get(followed) ?? new BoundedReads(ending, timers);
    this.#readsOf.set(followed, reads);
    try {
      const snapshot = await reads.run((signal) => store.read(followed.application, signal));
      if (ending.aborted) return;
      followed.take(snapshot, askedAtMs, false, tellings);
      wrote();
    } catch (error) {
      if (ending.aborted) return;
      followed.fail(error, tellings);
    }
    tellings.flushIfDue(clock());
  }
}

/** The store's answer for one application. Throws if the store has none. */
function snapshotIn(answer: Snapshot | Error | undefined): Snapshot {
  // `instanceof Error`, because the `StoreError` of a store module may be another copy of the class.
  if (answer instanceof Error) throw answer;
  if (answer === undefined) throw new StoreError("malformed", "the store left an application out");
  return answer;
}
