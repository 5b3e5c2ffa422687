/**
 * The evidence of one release in one daemon: what its own reporters said, merged with what the other daemons
 * tell. Pure: it has no clock, no store and no timer, and its memory is bounded by `EVIDENCE_BYTES_MAX`.
 *
 * A daemon makes one when it sees a release under way, and drops it when the release is over:
 *
 *     take     for each outcome of the application: about a microsecond, and no garbage
 *     follow   when the record has changed
 *     news     all that the other daemons do not know yet; `taken` when the store has it
 *     hear     all news of the release, also this daemon's own, in any order and any number of times
 *     figures  all that a verdict, the signs and a page need; the same object until something is new
 *
 * A daemon without a controller needs `take`, `follow`, `news` and `taken` only. A new process with a
 * controller hears the whole log of the store first, and has the evidence again.
 *
 * Times go in and out as milliseconds since 1970 by the store's clock.
 */

import type { Outcome } from "../intake/outcome.ts";
import type { Sign } from "../judge/signs.ts";
import { accountOf, type MetricAccount } from "./account.ts";
import { decidedAtMs, LATE_MS_MAX } from "./decided-at.ts";
import { type Census, censusOf, type Figures, figuresOf, uncap } from "./figures.ts";
import { hear } from "./hearing.ts";
import type { Memory } from "./memory.ts";
import { type EvidenceNews, isEvidence, type News, type OwnState } from "./news.ts";
import type { Reporter } from "./reporters.ts";
import { type EvidenceRelease, Tables } from "./tables.ts";
import { Taking } from "./taking.ts";
import { Telling } from "./telling.ts";

export interface ReleaseEvidenceOptions {
  readonly release: EvidenceRelease;
  /** The version that is released; `canary` by default. */
  readonly version?: string;
  /** Stands for this process in the sums that it tells. Random, so that no two processes have the same. */
  readonly from: string;
  /** The name of this daemon, for people; `from` by default. */
  readonly name?: string;
  /** The memory of all releases of this daemon; by default this one is alone. */
  readonly memory?: Memory | undefined;
  /** The state of this daemon, which it tells beside its sums; by default it tells none. */
  readonly ownState?: (() => OwnState) | undefined;
}

/** Figures are made again after this time, because visitors become ripe, and segments begin. */
const FIGURES_MS = 1_000;

export class ReleaseEvidence {
  readonly #tables: Tables;
  readonly #taking: Taking;
  readonly #telling: Telling;
  readonly #from: string;
  readonly #name: string;
  #census: Census | undefined;
  #figures: Figures | undefined;
  #figuresRevision = -1;

  constructor({ release, version, from, name = from, memory, ownState }: ReleaseEvidenceOptions) {
    this.#tables = new Tables(release, memory, ownState);
    this.#taking = new Taking(this.#tables, version);
    this.#telling = new Telling(this.#tables, from, name);
    this.#from = from;
    this.#name = name;
  }

  get key(): string {
    return this.#tables.key;
  }

  /** The bytes of all tables. */
  get bytes(): number {
    return this.#tables.bytes;
  }

  /** Whether memory was short, so that a part of the new visitors counts only. */
  get isShort(): boolean {
    return this.#tables.memory.isShort;
  }

  /** The release is over: its memory comes back, and nothing new is taken. */
  end(): void {
    this.#tables.memory.end();
  }

  /**
   * Takes an outcome that has just come. Allocates nothing, and keeps no reference to it.
   *
   * @returns whether a coin was tossed, so that the figures may show harm
   */
  take(outcome: Outcome, nowMs: number): boolean {
    const atMs = decidedAtMs(outcome, nowMs);
    // A probe does not come from a visitor, and may come although the proxies are silent.
    if (!outcome.isForced) this.#tables.reporters.add(nowMs);
    return nowMs - atMs <= LATE_MS_MAX && this.#taking.take(outcome, atMs);
  }

  /** Takes an outcome of which the time of its decision is known, as that of a file. */
  takeDecided(outcome: Outcome, atMs: number): boolean {
    return this.#taking.take(outcome, atMs);
  }

  /** The record has changed, or may have. A record of another release changes nothing. */
  follow(release: EvidenceRelease): void {
    this.#tables.follow(release);
  }

  /**
   * The news that the other daemons do not know yet, the most important first, at most as much as one call of
   * a store takes. It stays news until `taken`. There is none while the rollout is 0 % or 100 %.
   */
  news(nowMs: number): readonly EvidenceNews[] {
    return this.#telling.news(nowMs);
  }

  /** Whether `news` would have something now. */
  hasNews(nowMs: number): boolean {
    return this.#telling.hasNews(nowMs);
  }

  /** The store has these of the last `news`. News of other parts of the daemon does no harm. */
  taken(news: readonly News[]): void {
    this.#telling.taken(news.filter(isEvidence));
  }

  /** News of any daemon, also of this one. News of other kinds does no harm. */
  hear(news: readonly News[]): void {
    for (const each of news) hear(this.#tables, each, this.#from);
    // A new process must not judge by the census of a moment before, when it knew nothing of the others.
    if (news.length > 0) this.#census = undefined;
  }

  /** The raised signs, and when each was raised first, in milliseconds since 1970. */
  get signs(): ReadonlyMap<Sign, number> {
    return this.#tables.signs;
  }

  /** A sign that is raised stays, and the other daemons hear of it. */
  raise(sign: Sign, atMs: number): void {
    this.#tables.raise(sign, atMs, true);
  }

  /**
   * Ends the limit for each network from the next step on, if one has too many visitors. Call it only if the
   * news of all daemons was read.
   */
  uncap(): void {
    uncap(this.#tables);
  }

  /** The daemons that hear outcomes of the release, or have heard some, sorted by name. */
  reporters(nowMs: number): readonly Reporter[] {
    return this.#tables.reporters.daemons(this.#name, nowMs);
  }

  /** All coins of this moment, so that a person can compute the evidence again. */
  account(nowMs: number): readonly MetricAccount[] {
    return accountOf(this.#tables, nowMs);
  }

  /**
   * The figures of this moment. They share parts with later ones, so they are for reading at once.
   *
   * @param ageMsMax the coins are those of now; all other figures may be so old, and without anything new the
   * coins too
   * @returns undefined before the release's first arc, and after its end
   */
  figures(nowMs: number, ageMsMax = FIGURES_MS): Figures | undefined {
    const tables = this.#tables;
    const isYoung = (figures: { readonly atMs: number } | undefined) =>
      figures !== undefined && nowMs >= figures.atMs && nowMs - figures.atMs < ageMsMax;
    if (isYoung(this.#figures) && tables.revision === this.#figuresRevision) return this.#figures;
    if (!isYoung(this.#census) || !this.#isInStep(nowMs)) this.#census = censusOf(tables, nowMs, this.#name);
    this.#figures = this.#census && figuresOf(tables, nowMs, this.#census);
    this.#figuresRevision = tables.revision;
    return this.#figures;
  }

  /** Whether the census is of the step at this moment. */
  #isInStep(nowMs: number): boolean {
    const { timeline } = this.#tables;
    const step = timeline.steps[timeline.stepAt(nowMs - timeline.zeroMs)];
    return step !== undefined && timeline.zeroMs + step.fromMs === this.#census?.step.sinceMs;
  }
}
