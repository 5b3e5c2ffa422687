/**
 * Hears one release: the outcomes that the proxies and applications of this machine report. It tells the
 * other daemons what is new, and a daemon with a controller hears the same of them.
 */

import type { MetricAccount } from "../evidence/account.ts";
import type { Memory } from "../evidence/memory.ts";
import { isEvidence, type News, type OwnState } from "../evidence/news.ts";
import { ReleaseEvidence } from "../evidence/release-evidence.ts";
import { type Circumstances, type Judgement, ReleaseJudge } from "../evidence/release-judge.ts";
import type { Exchanges, Place } from "../exchange/exchanges.ts";
import type { Member } from "../exchange/member.ts";
import type { Outcome } from "../intake/outcome.ts";
import type { Sign } from "../judge/signs.ts";
import type { Release } from "../releases/release.ts";
import type { Target } from "../verbs/look.ts";

/** While the version has a part of the visitors, a controller reads the news of the others this often. */
const LISTEN_EVERY_MS = 1_750;

/** The same if no daemon has told anything for `QUIET_MS`, because nothing is reported. */
const LISTEN_QUIET_MS = 5_000;
const QUIET_MS = 60_000;

/** Otherwise it does so this often. */
const LISTEN_SELDOM_MS = 10_000;

/** After a longer pause of the store, the judge has a word again without any news. */
const PAUSE_MS = 10_000;

/** Without a new coin, a daemon looks this often for something to tell. */
const TELL_EVERY_MS = 5_000;

export interface HearingParts {
  /** Undefined if the store keeps no evidence: then this daemon judges by its own reporters alone. */
  readonly exchanges: Exchanges | undefined;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** The store's time, in milliseconds since 1970; undefined before the store's clock has answered. */
  readonly storeMs: () => number | undefined;
  /**
   * When this daemon read the record before this reading, on the monotonic clock; -Infinity for never, and if
   * the store has a clock.
   */
  readonly readBeforeAtMs: () => number;
  /** Whether this daemon judges, and so needs the news of the others. */
  readonly listens: boolean;
  /** Stands for this process in the sums that it tells. */
  readonly from: string;
  /** The name of this daemon, for people. */
  readonly name: string;
  /** Whether visitors are served by this arc now. */
  readonly isServed: (target: Target, rollout: number, offset: number) => boolean;
  readonly ownState: () => OwnState;
  /** The memory of the evidence of all releases. */
  readonly memory: Memory;
  /** Called if the figures may show harm, and after each read with news of the others. */
  readonly changed: () => void;
}

export class Hearing implements Member {
  readonly target: Target;
  readonly key: string;
  readonly #parts: HearingParts;
  readonly #evidence: ReleaseEvidence;
  readonly #judge: ReleaseJudge;
  readonly #place: Place | undefined;
  #release: Release;
  /** Whether the canary's visitors can be compared with a control group now. */
  #isOpen = false;
  #isAsWritten = true;
  #hasCoins = false;
  /** Whether the store may lack some of the news that were told last. */
  #isTelling = false;
  /** The number of these news. */
  #telling = 0;
  /** The latest time that the record has of an arc, and when this daemon saw it, on the monotonic clock. */
  #arcMs = Number.NEGATIVE_INFINITY;
  #arcSeenAtMs = Number.NEGATIVE_INFINITY;
  /** The last reading before that: the arc was written later. -Infinity for none. */
  #arcUnseenAtMs = Number.NEGATIVE_INFINITY;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  /** Whether anything was heard since all was heard last. */
  #hasNews = false;
  #heardAllAtMs = Number.NEGATIVE_INFINITY;
  /** When any daemon, also this one, had something to tell. */
  #newsAtMs: number;

  /**
   * @param release under way
   * @param rollout of the record
   * @param isAsWritten whether the circle is as the release wrote it: a person may have changed it, and
   *                    another version may have visitors
   */
  constructor(target: Target, release: Release, rollout: number, isAsWritten: boolean, parts: HearingParts) {
    this.target = target;
    this.key = release.key;
    this.#parts = parts;
    this.#newsAtMs = parts.clock();
    this.#release = release;
    const { from, name, memory, ownState } = parts;
    this.#evidence = new ReleaseEvidence({
      release,
      version: target.version,
      ...{ from, name, memory, ownState },
    });
    this.#judge = new ReleaseJudge(this.#evidence);
    this.#follow(rollout, isAsWritten);
    this.#place = parts.exchanges?.join({ application: target.application, key: release.key }, this);
  }

  /** The record has a new state of the same release. */
  follow(release: Release, rollout: number, isAsWritten: boolean): void {
    if (!this.follows(release)) this.#evidence.follow(release);
    this.#release = release;
    this.#follow(rollout, isAsWritten);
    this.#place?.reconsider();
  }

  /** Whether the figures are those of this state of the record. */
  follows({ seq, tx }: Release): boolean {
    return seq === this.#release.seq && tx === this.#release.tx;
  }

  /** Takes an outcome of this application. On the way of each outcome, so it allocates nothing. */
  take(outcome: Outcome): void {
    const [rollout, offset] = this.#release.wrote;
    // Otherwise the arcs of the release do not tell which visitors the canary has now.
    if (!this.#isAsWritten || !this.#parts.isServed(this.target, rollout, offset)) return;
    if (!this.#evidence.take(outcome, this.#nowMs())) return;
    this.#parts.changed();
    if (this.#hasCoins) return;
    this.#hasCoins = true;
    this.#place?.reconsider();
  }

  /** The signs that were raised in this release. */
  signs(): readonly Sign[] {
    return [...this.#evidence.signs.keys()];
  }

  /** The judge's word at this moment; undefined if it has none. It raises signs, which the others hear of. */
  judge(circumstances: Omit<Circumstances, "evidenceAgeMs">): Judgement | undefined {
    return this.#judge.judge(this.#nowMs(), { ...circumstances, evidenceAgeMs: this.ageMs });
  }

  /** All coins of this moment, so that a person can compute the evidence again. */
  account(): readonly MetricAccount[] {
    return this.#evidence.account(this.#nowMs());
  }

  /**
   * The age of the others' news in milliseconds; undefined if they were never read to their end. Without an
   * exchange there are no others.
   */
  get ageMs(): number | undefined {
    if (this.#place === undefined) return 0;
    const { readAtMs } = this.#place;
    return readAtMs === Number.NEGATIVE_INFINITY ? undefined : this.#parts.clock() - readAtMs;
  }

  /** Whether memory is short, so that a part of the new visitors counts only. */
  get isShort(): boolean {
    return this.#evidence.isShort;
  }

  /** Before the release or the daemon ends, the others hear what they do not know. Then it forgets all. */
  async end(): Promise<void> {
    try {
      await this.#place?.flush();
      await this.#place?.leave();
    } finally {
      this.#evidence.end();
    }
  }

  tellsAtMs(): number {
    if (!this.#isOpen) return Number.POSITIVE_INFINITY;
    return this.#hasCoins || this.#isTelling ? Number.NEGATIVE_INFINITY : this.#toldAtMs + TELL_EVERY_MS;
  }

  news(monotonicMs: number): readonly News[] {
    this.#toldAtMs = monotonicMs;
    this.#hasCoins = false;
    const news = this.#isOpen ? this.#evidence.news(this.#nowMs()) : [];
    this.#isTelling = news.length > 0;
    if (this.#isTelling) this.#newsAtMs = monotonicMs;
    this.#telling = news.length;
    return news;
  }

  taken(news: readonly News[]): void {
    this.#evidence.taken(news);
    // The exchange may have had room for the first of them alone.
    if (news.length === this.#telling) this.#isTelling = false;
  }

  listensAtMs(readAtMs: number): number {
    if (!this.#parts.listens) return Number.POSITIVE_INFINITY;
    return readAtMs + this.#listenEveryMs;
  }

  hear(news: readonly News[]): void {
    this.#hasNews ||= news.some(isEvidence);
    this.#evidence.hear(news);
  }

  heardAll(): void {
    const nowMs = this.#parts.clock();
    if (this.#hasNews) this.#newsAtMs = nowMs;
    const isNew = this.#hasNews || nowMs - this.#heardAllAtMs > PAUSE_MS;
    this.#hasNews = false;
    this.#heardAllAtMs = nowMs;
    if (isNew) this.#parts.changed();
  }

  get #listenEveryMs(): number {
    if (!this.#isOpen) return LISTEN_SELDOM_MS;
    return this.#parts.clock() - this.#newsAtMs > QUIET_MS ? LISTEN_QUIET_MS : LISTEN_EVERY_MS;
  }

  /**
   * The time of an outcome, by the store's clock. A clock that went back, or that is not known, does not put
   * it before the arc by which its visitor was served. If the store has no clock, this machine's may be hours
   * ahead of that of the arc's writer. It does not put the outcome behind steps that are still to come.
   */
  #nowMs(): number {
    const monotonicMs = this.#parts.clock();
    const atLeastMs = this.#arcMs + (monotonicMs - this.#arcSeenAtMs);
    const atMostMs = this.#arcMs + (monotonicMs - this.#arcUnseenAtMs);
    return Math.min(Math.max(this.#parts.storeMs() ?? atLeastMs, atLeastMs), atMostMs);
  }

  #follow(rollout: number, isAsWritten: boolean): void {
    const arcMs = Math.max(...this.#release.arcs.map(([atMs]) => atMs));
    if (arcMs !== this.#arcMs) {
      this.#arcMs = arcMs;
      this.#arcSeenAtMs = this.#parts.clock();
      this.#arcUnseenAtMs = this.#parts.readBeforeAtMs();
    }
    this.#isOpen = rollout > 0 && rollout < 1;
    this.#isAsWritten = isAsWritten;
  }
}
