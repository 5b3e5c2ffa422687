/**
 * The news of one release: what this daemon tells the others, and what it hears from them.
 *
 * It tells that it leads, within a few seconds of a new `seq` and every `PRESENCE_EVERY_MS`. All news goes in
 * batches, at most once in `APPEND_EVERY_MS`. News that the store refuses is kept, within bounds, and tried
 * again. It reads seldom, and for some seconds after a new `seq` quicker.
 */

import { batchesOf } from "../evidence/batches.ts";
import { Crew } from "../evidence/crew.ts";
import type { News, Overridden } from "../evidence/news.ts";
import { newsIn } from "../evidence/news-lines.ts";
import { BATCHES_MAX, type Evidence, type EvidenceLog } from "../stores/evidence.ts";
import { StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Calls } from "./calls.ts";
import type { Impure } from "./impure.ts";
import type { Rights } from "./rights.ts";
import type { StoreClock } from "./store-clock.ts";

/** A controller tells this often that it leads, while a release is under way. */
export const PRESENCE_EVERY_MS = 30_000;

/** News goes to the store at most this often for each release. */
export const APPEND_EVERY_MS = 2_000;

/** The store is read this often: for a while after a new `seq`, and otherwise. */
const READ_SOON_MS = 2_000;
const READ_EVERY_MS = 10_000;
const SOON_FOR_MS = 20_000;

/** Waits are shortened by up to this part, so that a hundred releases do not read and write at one moment. */
const JITTER = 0.25;

/** After a new `seq`, daemons tell that they lead within this time, so that they do not do so at once. */
const SPREAD_MS = 1_500;

/** The first wait after a failure doubles up to this one. */
const BACKOFF_MS_MAX = 60_000;

/** Overrides that wait for the store. There is one for each process and release. */
const WAITING_MAX = 16;

/** One read asks the store at most this often, because a log may be long. The next read goes on. */
const READS_MAX = 8;

const CALL_MS = 5_000;

export interface ExchangeParts extends Pick<Impure, "clock" | "wallClock" | "timers" | "random" | "log"> {
  readonly evidence: Evidence;
  /** The name of this controller. */
  readonly name: string;
  readonly storeClock: StoreClock;
  readonly calls: Calls;
  readonly rights: Rights;
  /** Called after each read of all that is there. */
  readonly heard: () => void;
}

export class Exchange {
  readonly #at: EvidenceLog;
  readonly #parts: ExchangeParts;
  readonly #crew = new Crew();
  readonly #waiting: News[] = [];
  #seq = 0;
  #beat: number;
  #cursor: string | undefined;
  #readAtMs: number | undefined;
  #presenceAtMs: number;
  #readDueAtMs: number;
  #soonUntilMs: number;
  #appendNotBeforeMs = Number.NEGATIVE_INFINITY;
  #failedAppends = 0;
  #failedReads = 0;
  #timer: unknown;
  #turn: Promise<void> | undefined;
  #isClosed = false;

  constructor(at: EvidenceLog, parts: ExchangeParts) {
    const nowMs = parts.clock();
    this.#at = at;
    this.#parts = parts;
    // A later process of the same name begins above this one, unless the clock went back; see `#hear`.
    this.#beat = Math.max(0, Math.floor(parts.wallClock() / 1_000));
    this.#presenceAtMs = nowMs;
    this.#readDueAtMs = nowMs;
    this.#soonUntilMs = nowMs;
  }

  /** The daemon has seen this `seq`. */
  saw(seq: number): void {
    if (this.#isClosed || this.#seq === seq) return;
    const { clock, random } = this.#parts;
    const nowMs = clock();
    this.#seq = seq;
    this.#presenceAtMs = Math.min(this.#presenceAtMs, nowMs + SPREAD_MS * random());
    this.#soonUntilMs = nowMs + SOON_FOR_MS;
    this.#readDueAtMs = Math.min(this.#readDueAtMs, nowMs + READ_SOON_MS);
    this.#arm();
  }

  /** Tells the others, soon. */
  tell(news: Overridden): void {
    if (this.#isClosed) return;
    this.#waiting.push(news);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.#arm();
  }

  /** The daemons that took visitors back before the record said so. */
  get overrides(): readonly Overridden[] {
    return this.#crew.overrides();
  }

  /** The age of the evidence in milliseconds; undefined if it was never read to its end. */
  ageMs(nowMs: number): number | undefined {
    return this.#readAtMs === undefined ? undefined : nowMs - this.#readAtMs;
  }

  /** The other controllers that lead the release now, by name. */
  leaders(nowMs: number): string[] {
    return this.#crew.leaders(nowMs).filter((name) => name !== this.#parts.name);
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
    const dueAtMs = Math.min(this.#readDueAtMs, this.#appendAtMs());
    // Whole milliseconds, so that the timer does not come a moment too early.
    this.#timer = timers.set(() => this.#begin(), Math.max(0, Math.ceil(dueAtMs - clock())));
  }

  #begin(): void {
    this.#turn = this.#take().finally(() => {
      this.#turn = undefined;
      this.#arm();
    });
  }

  #appendAtMs(): number {
    const wantedAtMs = this.#waiting.length > 0 ? Number.NEGATIVE_INFINITY : this.#presenceAtMs;
    return Math.max(wantedAtMs, this.#appendNotBeforeMs);
  }

  /** Never rejects. */
  async #take(): Promise<void> {
    const { clock } = this.#parts;
    if (clock() >= this.#readDueAtMs) await this.#read();
    if (!this.#isClosed && clock() >= this.#appendAtMs()) await this.#append();
  }

  async #read(): Promise<void> {
    const { evidence, calls, clock, random, heard } = this.#parts;
    try {
      let hasMore = true;
      for (let reads = 0; hasMore && reads < READS_MAX && !this.#isClosed; reads++) {
        const answer = await calls.run(CALL_MS, (signal) => evidence.read(this.#at, this.#cursor, signal));
        this.#hear(newsIn(answer.batches));
        this.#cursor = answer.cursor;
        hasMore = answer.hasMore;
      }
      const nowMs = clock();
      this.#failedReads = 0;
      const everyMs = hasMore || nowMs < this.#soonUntilMs ? READ_SOON_MS : READ_EVERY_MS;
      this.#readDueAtMs = nowMs + everyMs * (1 - JITTER * random());
      if (hasMore || this.#isClosed) return;
      this.#readAtMs = nowMs;
      heard();
    } catch (error) {
      this.#failedReads++;
      this.#readDueAtMs = clock() + this.#backoffMs(this.#failedReads);
      this.#complain("the news of a release could not be read", error);
    }
  }

  #hear(all: readonly News[]): void {
    const { clock, name } = this.#parts;
    const monotonicMs = clock();
    const areOld = this.#readAtMs === undefined;
    this.#crew.hear(all, { monotonicMs, nowMs: this.#storeMs(monotonicMs) }, areOld);
    // An earlier process of this name had a clock that was ahead, or another daemon has the same name.
    for (const news of all)
      if (news.kind === "presence" && news.name === name) this.#beat = Math.max(this.#beat, news.beat);
  }

  async #append(): Promise<void> {
    const { evidence, calls, clock } = this.#parts;
    const nowMs = clock();
    const told = [...this.#waiting];
    const batches = batchesOf([...this.#presence(nowMs), ...told]).slice(0, BATCHES_MAX);
    this.#appendNotBeforeMs = nowMs + APPEND_EVERY_MS;
    this.#presenceAtMs = nowMs + PRESENCE_EVERY_MS * (1 - JITTER * this.#parts.random());
    if (batches.length === 0) return;
    try {
      await calls.run(CALL_MS, (signal) => evidence.append(this.#at, batches, signal));
      this.#failedAppends = 0;
      const left = this.#waiting.filter((news) => !told.includes(news));
      this.#waiting.splice(0, this.#waiting.length, ...left);
    } catch (error) {
      this.#failedAppends++;
      this.#appendNotBeforeMs = clock() + this.#backoffMs(this.#failedAppends);
      this.#presenceAtMs = this.#appendNotBeforeMs;
      this.#complain("the news of a release could not be told to the other daemons", error);
    }
  }

  #presence(nowMs: number): News[] {
    const { name, rights } = this.#parts;
    // One that cannot write does not say that it leads.
    if (!rights.canWrite) return [];
    return [{ kind: "presence", name, beat: ++this.#beat, atMs: this.#storeMs(nowMs), seq: this.#seq }];
  }

  /** By the store's clock, or this machine's if the store has none. */
  #storeMs(nowMs: number): number {
    return this.#parts.storeClock.at(nowMs) ?? this.#parts.wallClock();
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
        ? "give the daemon's login the rights of a controller: the page of the store has them"
        : undefined,
    });
  }
}
