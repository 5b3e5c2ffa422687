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
import type { Transition } from "../releases/release.ts";
import type { AttemptTools } from "./attempt.ts";
import { Delivery } from "./delivery.ts";
import type { Destination } from "./form.ts";
import { type Extra, extraMoment, extraNotice, type NoticeMessage, noticeId } from "./notice.ts";
import { NOTICE_AGE_MS_MAX, type Outbox, outboxOf } from "./outbox.ts";
import { type LookedRelease, newestLine, type Round, Rounds, type RoundTools } from "./rounds.ts";
import { type ToldEvidence, WhoWasTold } from "./who-was-told.ts";

/** Before it sends, a controller waits for a random time of at most this long. The writer does not wait. */
export const WAIT_MS_MAX = 2_000;

/** Until then the controllers of a new release have told each other that they lead it. */
export const START_MS = 8_000;

/** If the log of a release could not be read again, it is tried again after this time. */
export const REREAD_MS = 30_000;

/** If the store has no evidence, transitions of this long before the daemon's start are told. */
const UNTOLD_MS_MAX = 300_000;

/** The last transitions that were looked at are remembered for this many releases. */
const RELEASES_MAX = 20_000;

export interface SenderOptions extends AttemptTools, RoundTools {
  readonly destinations: readonly Destination[];
  /** Undefined if the store has no evidence. Then the daemon is its only controller. */
  readonly told: ToldEvidence | undefined;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class NoticeSender {
  readonly #options: SenderOptions;
  readonly #deliveries: readonly Delivery[];
  readonly #rounds: Rounds;
  readonly #told: WhoWasTold;
  /** The newest line of its log that was looked at, by the key of the release. */
  readonly #looked = new Map<string, Transition>();
  readonly #startedAtMs: number;
  readonly #ending = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#startedAtMs = options.now();
    const ending = this.#ending.signal;
    this.#rounds = new Rounds({ ...options, ending }, (round) => void this.#run(round));
    this.#told = new WhoWasTold({ ...options, ending });
    this.#deliveries = options.destinations.map(
      (destination) =>
        new Delivery({
          ...{ ...options, destination, counts: options.metrics.noticesTo(destination.name) },
          isTold: (message) => this.#told.isTold(message, destination),
          sent: (message) => this.#told.add(message, destination),
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
    const round = this.#rounds.of(release.key);
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
    if (this.#rounds.of(key)?.extras.has(extra) || this.#deliveries.every((each) => each.knows(id))) return;
    const round = this.#schedule(looked, WAIT_MS_MAX * random());
    round?.extras.set(extra, extraNotice(looked, extra, why, now()));
  }

  /** Ends within a second. The waiting notices are in the record, and the next daemon sends them. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#rounds.close();
    await Promise.all(this.#deliveries.map((each) => each.close()));
    await this.#told.close();
  }

  /** Undefined if there is no address. */
  #schedule(looked: LookedRelease, waitMs: number): Round | undefined {
    return this.#deliveries.length === 0 ? undefined : this.#rounds.schedule(looked, waitMs);
  }

  async #run(round: Round): Promise<void> {
    const { application, release } = round.looked;
    // A later look may have had no log again.
    const isWhole = await this.#rounds.readWhole(round);
    const told = await this.#told.of({ application, key: release.key });
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

  #isNews({ atMs }: NoticeMessage): boolean {
    return this.#told.isKnown || atMs >= this.#startedAtMs - UNTOLD_MS_MAX;
  }

  #remember(key: string, newest: Transition): void {
    this.#looked.delete(key);
    this.#looked.set(key, newest);
    const [oldest] = this.#looked.keys();
    if (this.#looked.size > RELEASES_MAX && oldest !== undefined) this.#looked.delete(oldest);
  }
}

const NOTHING: Outbox = { notices: [], lost: 0 };
