/**
 * The exchange of news about one release between the daemons of a fleet, through the evidence of the store.
 *
 * It asks its members what to tell and when to listen, and does both with one timer and one call at a time.
 * All news goes in batches, at most once in `APPEND_EVERY_MS`. News that the store refuses stays with its
 * member, and is tried again after a longer wait.
 */

import { packed } from "../evidence/batches.ts";
import type { News } from "../evidence/news.ts";
import { newsIn } from "../evidence/news-lines.ts";
import type { Log } from "../log/log.ts";
import { BATCHES_MAX, type Evidence, type EvidenceLog } from "../stores/evidence.ts";
import { StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Timers } from "../timers.ts";
import type { Calls } from "./calls.ts";
import type { Member } from "./member.ts";

/** News goes to the store at most this often for each release. */
export const APPEND_EVERY_MS = 2_000;

/** The first wait after a failure doubles up to this one. */
const BACKOFF_MS_MAX = 60_000;

/** One read asks the store at most this often, because a log may be long. The next read goes on. */
const READS_MAX = 8;

/** A read that did not come to the end goes on after this time. */
const READ_ON_MS = 1_000;

const CALL_MS = 5_000;

export interface ExchangeParts {
  readonly evidence: Evidence;
  readonly calls: Calls;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

export class Exchange {
  readonly #at: EvidenceLog;
  readonly #parts: ExchangeParts;
  readonly #members = new Set<Member>();
  #cursor: string | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #readNotBeforeMs = Number.NEGATIVE_INFINITY;
  #appendNotBeforeMs = Number.NEGATIVE_INFINITY;
  #failedAppends = 0;
  #failedReads = 0;
  #timer: unknown;
  #turn: Promise<void> | undefined;
  #isClosed = false;

  constructor(at: EvidenceLog, parts: ExchangeParts) {
    this.#at = at;
    this.#parts = parts;
  }

  /** Adds a member. If it listens, the log is read again from its beginning. */
  add(member: Member): void {
    this.#members.add(member);
    if (member.listensAtMs(Number.NEGATIVE_INFINITY) !== Number.POSITIVE_INFINITY) {
      this.#cursor = undefined;
      this.#readAtMs = Number.NEGATIVE_INFINITY;
    }
    this.#arm();
  }

  /** @returns whether it was the last one */
  remove(member: Member): boolean {
    this.#members.delete(member);
    return this.#members.size === 0;
  }

  /** When all that was there was read last, on the monotonic clock; -Infinity for never. */
  get readAtMs(): number {
    return this.#readAtMs;
  }

  /** The times of a member may have changed. */
  reconsider(): void {
    this.#arm();
  }

  /**
   * Tells at once what the members still have, before the daemon ends. Never rejects. It takes as long as the
   * store's calls, so the caller bounds it.
   */
  async flush(): Promise<void> {
    await this.#turn;
    // Another member may have begun it, or the last one.
    if (this.#isClosed || this.#turn !== undefined) return this.#turn;
    this.#parts.timers.clear(this.#timer);
    this.#run(() => this.#append());
    await this.#turn;
  }

  /** Ends the timer, and waits for the turn that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#parts.timers.clear(this.#timer);
    await this.#turn;
  }

  #arm(): void {
    const { timers, clock } = this.#parts;
    if (this.#isClosed || this.#turn !== undefined) return;
    timers.clear(this.#timer);
    const dueAtMs = Math.min(this.#readDueAtMs(), this.#appendDueAtMs());
    if (dueAtMs === Number.POSITIVE_INFINITY) return;
    // Whole milliseconds, so that the timer does not come a moment too early.
    this.#timer = timers.set(() => this.#run(() => this.#take()), Math.max(0, Math.ceil(dueAtMs - clock())));
  }

  /** @param turn never rejects */
  #run(turn: () => Promise<void>): void {
    this.#turn = turn().finally(() => {
      this.#turn = undefined;
      this.#arm();
    });
  }

  #readDueAtMs(): number {
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const member of this.#members) dueAtMs = Math.min(dueAtMs, member.listensAtMs(this.#readAtMs));
    return Math.max(dueAtMs, this.#readNotBeforeMs);
  }

  #appendDueAtMs(): number {
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const member of this.#members) dueAtMs = Math.min(dueAtMs, member.tellsAtMs());
    return Math.max(dueAtMs, this.#appendNotBeforeMs);
  }

  /** Never rejects. */
  async #take(): Promise<void> {
    const { clock } = this.#parts;
    if (clock() >= this.#readDueAtMs()) await this.#read();
    if (!this.#isClosed && clock() >= this.#appendDueAtMs()) await this.#append();
  }

  async #read(): Promise<void> {
    const { evidence, calls, clock } = this.#parts;
    try {
      let hasMore = true;
      for (let reads = 0; hasMore && reads < READS_MAX && !this.#isClosed; reads++) {
        const from = this.#cursor;
        const answer = await calls.run(CALL_MS, (signal) => evidence.read(this.#at, from, signal));
        this.#hear(newsIn(answer.batches));
        // A member has come in the meantime, and wants to hear all from the beginning.
        if (this.#cursor !== from) return;
        this.#cursor = answer.cursor;
        hasMore = answer.hasMore;
      }
      this.#failedReads = 0;
      this.#readNotBeforeMs = hasMore ? clock() + READ_ON_MS : Number.NEGATIVE_INFINITY;
      if (hasMore || this.#isClosed) return;
      this.#readAtMs = clock();
      for (const member of this.#members) member.heardAll();
    } catch (error) {
      this.#failedReads++;
      this.#readNotBeforeMs = clock() + this.#backoffMs(this.#failedReads);
      this.#complain("the news of a release could not be read", error);
    }
  }

  #hear(news: readonly News[]): void {
    const areOld = this.#readAtMs === Number.NEGATIVE_INFINITY;
    for (const member of this.#members) member.hear(news, areOld);
  }

  async #append(): Promise<void> {
    const { evidence, calls, clock } = this.#parts;
    const nowMs = clock();
    const parts = [...this.#members].map((member) => ({ member, news: member.news(nowMs) }));
    const { batches, count } = packed(
      parts.flatMap(({ news }) => news),
      BATCHES_MAX,
    );
    if (parts.some(({ news }) => news.length > 0)) this.#appendNotBeforeMs = nowMs + APPEND_EVERY_MS;
    if (batches.length === 0) return;
    try {
      await calls.run(CALL_MS, (signal) => evidence.append(this.#at, batches, signal));
      this.#failedAppends = 0;
      let left = count;
      for (const { member, news } of parts) {
        const taken = news.slice(0, Math.max(0, left));
        if (taken.length > 0) member.taken(taken);
        left -= news.length;
      }
    } catch (error) {
      this.#failedAppends++;
      this.#appendNotBeforeMs = clock() + this.#backoffMs(this.#failedAppends);
      this.#complain("the news of a release could not be told to the other daemons", error);
    }
  }

  #backoffMs(failures: number): number {
    const boundMs = Math.min(BACKOFF_MS_MAX, APPEND_EVERY_MS * 2 ** Math.min(failures, 10));
    return boundMs * (1 - 0.5 * this.#parts.random());
  }

  #complain(message: string, error: unknown): void {
    if (this.#isClosed) return;
    const isDenied = error instanceof StoreError && error.code === "denied";
    this.#parts.log.warn(message, {
      application: this.#at.application,
      error: errorMessage(error),
      remedy: isDenied
        ? "give the daemon's login the rights to write evidence: the page of the store has them"
        : undefined,
    });
  }
}
