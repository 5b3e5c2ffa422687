/**
 * The notices that wait for one address.
 *
 *     offered ─▶ waiting ─▶ attempt ─▶ sent, refused, or waiting again with a longer pause, for a day
 *
 * There is one attempt at a time, so a receiver that recovers is not flooded. After a failure another notice
 * is tried first: one that the receiver chokes on does not hold up the others.
 */

import type { Log } from "../log/log.ts";
import type { NoticeCounts } from "../metrics.ts";
import { type Attempt, type AttemptTools, attempt } from "./attempt.ts";
import type { Destination } from "./form.ts";
import type { NoticeMessage } from "./notice.ts";

/** At most this many notices wait for one address. The oldest gives way. */
export const QUEUE_MAX = 1_000;

/** The pause after a failure, doubled with each further one. */
export const RETRY_MS = 1_000;
export const RETRY_MS_MAX = 60_000;
const DOUBLINGS_MAX = 10;

/** A notice that could not be sent for this long is given up. */
export const GIVE_UP_MS = 86_400_000;

/** Ids that an address has, so that a notice is not sent again before the evidence shows it. */
const KNOWN_MAX = 10_000;

/** Closing waits this long for the attempt that is under way. */
export const CLOSE_MS = 500;

/** A notice that has waited for longer may have been sent by another daemon meanwhile. */
const FRESH_MS = 1_000;

export interface DeliveryOptions extends AttemptTools {
  readonly destination: Destination;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly counts: NoticeCounts;
  /** Whether another daemon has sent it to this address. Never rejects, and is bounded in time. */
  readonly isTold: (message: NoticeMessage) => Promise<boolean>;
  /** Called when the address has a notice. */
  readonly sent: (message: NoticeMessage) => void;
}

interface Waiting {
  readonly message: NoticeMessage;
  readonly offeredMs: number;
  /** Attempts that failed since the receiver last took a notice. */
  failures: number;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #complaint: string;
  readonly #known = new Set<string>();
  readonly #ending = new AbortController();
  #waiting: Waiting[] = [];
  #current: Waiting | undefined;
  #sending: Promise<void> | undefined;
  #timer: unknown;
  /** Attempts that failed in a row. */
  #failures = 0;
  #isClosing = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#complaint = `${options.destination.name} takes no notices now; the daemon tries again for a day`;
  }

  get destination(): Destination {
    return this.#options.destination;
  }

  /** Whether this notice was offered before, or the address has it. */
  knows(id: string): boolean {
    return this.#known.has(id);
  }

  /** The address has this notice, or it is counted as lost. */
  learn(id: string): void {
    this.#known.add(id);
    const [oldest] = this.#known;
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Sends a notice soon; does nothing if it is known. */
  offer(message: NoticeMessage): void {
    if (this.#isClosing || this.#known.has(message.id)) return;
    this.learn(message.id);
    this.#waiting.push({ message, offeredMs: this.#options.clock(), failures: 0 });
    if (this.#waiting.length > QUEUE_MAX) this.#dropOldest();
    this.#count();
    this.#sendSoon();
  }

  /** Counts notices that the address can never get, because the record of the release has them no more. */
  lose(count: number, fields: Readonly<Record<string, string | number>>): void {
    const { counts, log } = this.#options;
    counts.failed += count;
    log.error(
      `notices for ${this.destination.name} are lost: the release has more transitions than its log`,
      {
        ...{ ...fields, count, remedy: "read the history of this version" },
      },
    );
  }

  /**
   * Stops, and waits for an attempt for `CLOSE_MS` at most. The waiting notices are in the record, so the
   * next daemon sends them.
   */
  async close(): Promise<void> {
    const { timers } = this.#options;
    this.#isClosing = true;
    timers.clear(this.#timer);
    const outOfTime = Promise.withResolvers<void>();
    const timer = timers.set(outOfTime.resolve, CLOSE_MS);
    await Promise.race([this.#sending, outOfTime.promise]);
    timers.clear(timer);
    this.#ending.abort();
  }

  #sendSoon(): void {
    if (this.#isClosing || this.#sending !== undefined || this.#timer !== undefined) return;
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = undefined;
      // One may have been offered since the last look.
      if (this.#waiting.length > 0) this.#sendSoon();
    });
  }

  /** Sends until nothing waits, or until an attempt fails. */
  async #sendAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined && !this.#isClosing; next = this.#next()) {
      this.#current = next;
      const pauseMs = await this.#sendOne(next);
      this.#current = undefined;
      this.#count();
      if (pauseMs === 0) continue;
      if (this.#isClosing) return;
      this.#timer = this.#options.timers.set(() => {
        this.#timer = undefined;
        this.#sendSoon();
      }, pauseMs);
      return;
    }
  }

  /** The oldest notice of those that failed least. */
  #next(): Waiting | undefined {
    let next = this.#waiting[0];
    for (const each of this.#waiting) if (next !== undefined && each.failures < next.failures) next = each;
    return next;
  }

  /** Returns the pause before the next attempt; 0 if there is none. */
  async #sendOne(waiting: Waiting): Promise<number> {
    const { clock, isTold } = this.#options;
    const waitedMs = clock() - waiting.offeredMs;
    if (waitedMs > GIVE_UP_MS) {
      this.#lose(waiting, "it has taken no notices for a day", OVERDUE_REMEDY);
      return 0;
    }
    if (waitedMs > FRESH_MS && (await isTold(waiting.message))) {
      this.#remove(waiting);
      return 0;
    }
    const { signal } = this.#ending;
    if (signal.aborted) return 0;
    const result = await attempt(this.destination, waiting.message, this.#options, signal);
    return signal.aborted && result.kind === "again" ? 0 : this.#take(waiting, result);
  }

  #take(waiting: Waiting, result: Attempt): number {
    const { log } = this.#options;
    switch (result.kind) {
      case "again":
        waiting.failures++;
        this.#failures++;
        log.warn(this.#complaint, { error: result.why, waiting: this.#waiting.length });
        return Math.max(this.#pauseMs(), result.afterMs);
      case "refused":
        this.#lose(waiting, result.why, result.remedy);
        return 0;
      case "sent":
        this.#sent(waiting);
        return 0;
    }
  }

  #sent(waiting: Waiting): void {
    const { counts, log, sent } = this.#options;
    if (this.#failures > 0) {
      log.info(`${this.destination.name} takes notices again`, {}, (message) => message === this.#complaint);
    }
    this.#failures = 0;
    for (const each of this.#waiting) each.failures = 0;
    this.#remove(waiting);
    counts.sent++;
    sent(waiting.message);
  }

  /** It is random, so that the daemons of a fleet do not call a receiver that recovers all at once. */
  #pauseMs(): number {
    const pauseMs = RETRY_MS * 2 ** Math.min(this.#failures - 1, DOUBLINGS_MAX);
    return Math.min(RETRY_MS_MAX, pauseMs) * (0.5 + this.#options.random() / 2);
  }

  #lose(waiting: Waiting, error: string, remedy: string): void {
    const { counts, log } = this.#options;
    const { application, version, id, sentence } = waiting.message;
    this.#remove(waiting);
    counts.failed++;
    log.error(`a notice for ${this.destination.name} is lost`, {
      ...{ application, version, error, notice: id, sentence, remedy },
    });
  }

  #dropOldest(): void {
    const oldest = this.#waiting.find((each) => each !== this.#current);
    if (oldest !== undefined)
      this.#lose(oldest, `more than ${QUEUE_MAX} notices wait for it`, OVERDUE_REMEDY);
  }

  #remove(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
  }

  #count(): void {
    this.#options.counts.waiting = this.#waiting.length;
  }
}

const OVERDUE_REMEDY = "look at the receiver, and at the network between it and this machine";
