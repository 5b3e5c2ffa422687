/**
 * Sends the notices of releases.
 *
 *     look ─▶ wait for its turn ─▶ read who was told ─▶ outbox ─▶ a delivery for each address ─▶ told
 *
 * A controller calls `look` at each look at a release; all but the first look at a transition cost nothing.
 * No request of a visitor waits for any of this, no method throws, and all that waits is bounded.
 *
 * A notice comes at least once, and rarely twice: if a daemon dies after it has sent and before the evidence
 * says so, another one sends the notice again, with the same id. A controller sends all notices of a release
 * together, in their order. If it sent only those of its turn, a person could read of the abort before the
 * start, and believe that the release runs.
 */

import type { Told } from "../evidence/news.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import { presentLine } from "../releases/logged.ts";
import type { Release, Transition } from "../releases/release.ts";
import type { EvidenceLog } from "../stores/evidence.ts";
import { errorMessage } from "../text/error-message.ts";
import { type AttemptTools, CALL_MS } from "./attempt.ts";
import { bounded } from "./bounded.ts";
import { Delivery } from "./delivery.ts";
import type { Destination } from "./form.ts";
import {
  type Extra,
  extraMoment,
  extraNotice,
  type NoticeMessage,
  noticeId,
  type Subject,
} from "./notice.ts";
import { NOTICE_AGE_MS_MAX, type Outbox, outboxOf } from "./outbox.ts";
import { turnOf } from "./turn.ts";

/** Before it sends, a controller waits for a random time of at most this long. The writer does not wait. */
export const WAIT_MS_MAX = 2_000;

/** Until then the controllers of a new release have told each other that they lead it. */
export const START_MS = 8_000;

/** One that is not the first waits for each one before it: for its attempt, and for the evidence of it. */
export const TURN_MS = CALL_MS + 5_000;

/** A store that does not say in this time who was told is not waited for. */
export const READ_MS = 5_000;

/** If the log of a release could not be read again, it is tried again after this time. */
export const REREAD_MS = 30_000;

/** If the store has no evidence, transitions of this long before the daemon's start are told. */
const UNTOLD_MS_MAX = 300_000;

/** The last transitions that were looked at are remembered for this many releases. */
const RELEASES_MAX = 20_000;

/** The part of the evidence that says who was told. */
export interface ToldEvidence {
  /** All that the store has now for this release. Rejects if the store does not answer. */
  read(log: EvidenceLog, signal: AbortSignal): Promise<readonly Told[]>;
  /** Adds to the evidence, soon. */
  add(log: EvidenceLog, told: Told): void;
  /** Adds what waits, within half a second. */
  close(): Promise<void>;
}

export interface SenderOptions extends AttemptTools {
  readonly destinations: readonly Destination[];
  /** Undefined if the store has no evidence. Then the daemon is its only controller. */
  readonly told: ToldEvidence | undefined;
  /**
   * Reads the release of a version again, with its log: a store may leave out the log of a release that is
   * over, if it reads many applications. Undefined if there is none. Rejects if the store does not answer.
   */
  readonly reread: (
    application: string,
    version: string,
    signal: AbortSignal,
  ) => Promise<Release | undefined>;
  /** The name of this controller, as in its presence. */
  readonly own: string;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A release, as a controller sees it now. */
export interface LookedRelease extends Subject {
  /** The names of all controllers that lead it at the time of the call. */
  readonly leaders: () => readonly string[];
}

/** A release whose notices are sent soon. */
interface Round {
  looked: LookedRelease;
  readonly extras: Map<Extra, NoticeMessage>;
  /** The look without a log for which the store was asked last, and whether it answered. */
  asked: { readonly of: Release; readonly isWhole: boolean } | undefined;
  /** By the monotonic clock. */
  dueMs: number;
  timer: unknown;
}

export class NoticeSender {
  readonly #options: SenderOptions;
  readonly #deliveries: readonly Delivery[];
  /** By the key of the release. */
  readonly #rounds = new Map<string, Round>();
  /** The newest line of its log that was looked at, by the key of the release. */
  readonly #looked = new Map<string, Transition>();
  readonly #startedAtMs: number;
  readonly #ending = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#startedAtMs = options.now();
    this.#deliveries = options.destinations.map(
      (destination) =>
        new Delivery({
          ...{ ...options, destination, counts: options.metrics.noticesTo(destination.name) },
          isTold: (message) => this.#isTold(message, destination),
          sent: (message) => this.#told(message, destination),
        }),
    );
  }

  /** Sends what an address does not have yet of the release's log. Call it at each look at the release. */
  look(looked: LookedRelease): void {
    const { own, now, random } = this.#options;
    const { release } = looked;
    const newest = newestLine(release);
    const [seq, atMs, , , , by] = newest;
    const last = this.#looked.get(release.key);
    if (last?.[0] === seq && last[1] === atMs) return;
    this.#remember(release.key, newest);
    const round = this.#rounds.get(release.key);
    if (round !== undefined) round.looked = looked;
    if (now() - atMs > NOTICE_AGE_MS_MAX) return;
    const startMs = release.log.length === 1 ? START_MS : 0;
    this.#schedule(looked, by === own ? 0 : startMs + WAIT_MS_MAX * random());
  }

  /**
   * Sends a notice about a state of the release, once for each `seq`. Call it at each look while the state
   * lasts.
   *
   * @param why the reason, such as the judge's sentence
   */
  extra(looked: LookedRelease, extra: Extra, why?: string): void {
    const { now, random } = this.#options;
    const { key } = looked.release;
    const id = noticeId(key, extraMoment(looked.release, extra));
    if (this.#rounds.get(key)?.extras.has(extra) || this.#deliveries.every((each) => each.knows(id))) return;
    const round = this.#schedule(looked, WAIT_MS_MAX * random());
    round?.extras.set(extra, extraNotice(looked, extra, why, now()));
  }

  /** Ends within a second. The waiting notices are in the record, and the next daemon sends them. */
  async close(): Promise<void> {
    this.#ending.abort();
    for (const { timer } of this.#rounds.values()) this.#options.timers.clear(timer);
    this.#rounds.clear();
    await Promise.all(this.#deliveries.map((each) => each.close()));
    await this.#options.told?.close();
  }

  /** Begins a round, or makes one that waits end earlier. */
  #schedule(looked: LookedRelease, waitMs: number): Round | undefined {
    if (this.#ending.signal.aborted || this.#deliveries.length === 0) return undefined;
    const { clock, timers } = this.#options;
    const { key } = looked.release;
    const dueMs = clock() + waitMs;
    const known = this.#rounds.get(key);
    if (known !== undefined && known.dueMs <= dueMs) return known;
    timers.clear(known?.timer);
    const round = known ?? { looked, extras: new Map(), asked: undefined, dueMs, timer: undefined };
    this.#rounds.set(key, round);
    round.dueMs = dueMs;
    round.timer = timers.set(() => void this.#wait(round), waitMs);
    return round;
  }

  /** Waits for the controllers that go first. Only now it is known who leads. */
  async #wait(round: Round): Promise<void> {
    const { own, clock, timers } = this.#options;
    await this.#readWhole(round);
    const { release, leaders } = round.looked;
    if (this.#ending.signal.aborted || this.#rounds.get(release.key) !== round) return;
    const [seq, atMs, , , , by] = newestLine(release);
    const id = noticeId(release.key, { seq, atMs });
    const waitMs = turnOf(own, leaders(), id, by === "" ? null : by) * TURN_MS;
    round.dueMs = clock() + waitMs;
    if (waitMs === 0) void this.#run(round);
    else round.timer = timers.set(() => void this.#run(round), waitMs);
  }

  /** Returns false if the log is missing, because the store does not answer. Asks once for each look. */
  async #readWhole(round: Round): Promise<boolean> {
    const { timers, reread } = this.#options;
    const { application, version, release } = round.looked;
    if (release.log.length > 0) return true;
    if (round.asked?.of === release) return round.asked.isWhole;
    round.asked = { of: release, isWhole: false };
    try {
      const whole = await bounded(timers, READ_MS, this.#ending.signal, (signal) =>
        reread(application, version, signal),
      );
      const isSame = whole?.key === release.key && round.looked.release === release;
      if (isSame) round.looked = { ...round.looked, release: whole };
      round.asked = { of: round.looked.release, isWhole: true };
      return true;
    } catch {
      return false;
    }
  }

  async #run(round: Round): Promise<void> {
    const { application, release } = round.looked;
    this.#rounds.delete(release.key);
    // A later look may have had no log again.
    const isWhole = await this.#readWhole(round);
    const told = await this.#readTold({ application, key: release.key });
    if (this.#ending.signal.aborted) return;
    for (const delivery of this.#deliveries) this.#hand(delivery, round, told);
    const [, atMs] = newestLine(release);
    const isNews = this.#options.now() - atMs <= NOTICE_AGE_MS_MAX;
    if (!isWhole && isNews) this.#schedule(round.looked, REREAD_MS);
  }

  /** Hands a delivery the notices that its address does not have. */
  #hand(delivery: Delivery, { looked, extras }: Round, told: readonly Told[]): void {
    const { key, log, fade } = looked.release;
    const { mark } = delivery.destination;
    for (const each of told) if (each.to === mark) delivery.learn(noticeId(key, each));
    // Without its log, the end of a release is told, and the rest later. A step of a fade is told never.
    const isStep = log.length === 0 && fade !== undefined;
    const { notices, lost } = isStep ? NOTHING : outboxOf(looked, told, mark, this.#options.now());
    const lostId = `${key}-lost-${log[0]?.[0]}`;
    if (lost > 0 && !delivery.knows(lostId)) {
      delivery.learn(lostId);
      delivery.lose(lost, { application: looked.application, version: looked.version });
    }
    for (const notice of [...notices, ...extras.values()]) if (this.#isNews(notice)) delivery.offer(notice);
  }

  /** Without evidence, nothing says what an earlier process has told. */
  #isNews({ atMs }: NoticeMessage): boolean {
    return this.#options.told !== undefined || atMs >= this.#startedAtMs - UNTOLD_MS_MAX;
  }

  async #isTold({ application, key, id }: NoticeMessage, { mark }: Destination): Promise<boolean> {
    const told = await this.#readTold({ application, key });
    return told.some((each) => each.to === mark && noticeId(key, each) === id);
  }

  /** Empty if the store does not answer: a notice that comes twice is better than none. */
  async #readTold(evidence: EvidenceLog): Promise<readonly Told[]> {
    const { told, timers, log } = this.#options;
    if (told === undefined) return [];
    try {
      return await bounded(timers, READ_MS, this.#ending.signal, (signal) => told.read(evidence, signal));
    } catch (error) {
      if (this.#ending.signal.aborted) return [];
      log.warn("the store does not say which notices were sent, so a notice may come twice", {
        application: evidence.application,
        error: errorMessage(error),
      });
      return [];
    }
  }

  #told({ application, key, told }: NoticeMessage, { mark }: Destination): void {
    this.#options.told?.add({ application, key }, { kind: "told", to: mark, ...told });
  }

  #remember(key: string, newest: Transition): void {
    this.#looked.delete(key);
    this.#looked.set(key, newest);
    const [oldest] = this.#looked.keys();
    if (this.#looked.size > RELEASES_MAX && oldest !== undefined) this.#looked.delete(oldest);
  }
}

const NOTHING: Outbox = { notices: [], lost: 0 };

/** The newest line of the log, or what the record has in its place. */
function newestLine(release: Release): Transition {
  return release.log.at(-1) ?? presentLine(release);
}
