/**
 * Which daemons hear outcomes, and since when one hears none. It is about the whole release, because a proxy
 * may stop at the end of a step. Pure.
 *
 * A daemon that hears nothing more says so by itself, on its own clock. So a daemon that has ended is never
 * taken for one whose proxy is silent, and the clocks of machines need not agree.
 */

import type { OwnState, ReporterNews } from "./news.ts";

/** The news of this many processes is kept: of those with the most outcomes. */
export const REPORTERS_MAX = 256;

/** A process that hears outcomes tells so this often. */
const TOLD_EVERY_MS = 60_000;

/** A daemon is not quiet before. News goes from one daemon to another in less time. */
export const QUIET_MS_MIN = 120_000;

/** Nor is it before this many mean pauses between two outcomes. */
const QUIET_PAUSES = 20;

/** All daemons together. */
export interface ReportingFigures {
  /** The outcomes of the whole release, also those that do not count. */
  readonly outcomes: number;
  /** Since when no daemon has heard one; undefined if one was heard just now, or none ever. */
  readonly quietSinceMs: number | undefined;
  /** If others hear outcomes: the daemons that hear none any more, by name. */
  readonly quiet: readonly { readonly name: string; readonly sinceMs: number }[];
  /** The daemons whose memory for the evidence was short, by name. */
  readonly short: readonly string[];
}

/** A daemon that hears outcomes, or has heard some. */
export type Reporter = Omit<ReporterNews, "kind" | "from">;

export const NOTHING_REPORTED: ReportingFigures = {
  ...{ outcomes: 0, quietSinceMs: undefined, quiet: [], short: [] },
};

interface Other {
  readonly news: ReporterNews;
  /** When the figures had it first. Its own time may be that of a clock that is ahead. */
  noticedMs: number;
}

export class Reporters {
  readonly #zeroMs: number;
  readonly #isShort: () => boolean;
  readonly #ownState: () => OwnState;
  readonly #own = { outcomes: 0, lastMs: 0 };
  readonly #others = new Map<string, Other>();
  #told = { outcomes: 0, isQuiet: false, isShort: false, dropped: 0 };
  #toldAtMs = Number.NEGATIVE_INFINITY;
  /** The last moment at which all daemons were known to be quiet. */
  #allQuietAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param zeroMs when the release began, in milliseconds since 1970
   * @param isShort whether the memory of this process was short
   * @param ownState of this process
   */
  constructor(zeroMs: number, isShort: () => boolean = () => false, ownState: () => OwnState = () => ({})) {
    this.#zeroMs = zeroMs;
    this.#isShort = isShort;
    this.#ownState = ownState;
  }

  /** An outcome came. On the way of each outcome, so it allocates nothing. */
  add(nowMs: number): void {
    this.#own.outcomes++;
    this.#own.lastMs = nowMs;
  }

  /** The news of this process; undefined if there is nothing to tell. */
  news(from: string, name: string, nowMs: number): ReporterNews | undefined {
    if (!this.isDue(nowMs)) return undefined;
    const { outcomes, lastMs } = this.#own;
    return {
      kind: "reporter",
      from,
      name,
      outcomes,
      lastMs: Math.floor(lastMs),
      isQuiet: this.#isQuiet(nowMs),
      ...(this.#isShort() ? { isShort: true } : {}),
      ...this.#ownState(),
    };
  }

  isDue(nowMs: number): boolean {
    const { outcomes, isQuiet, isShort, dropped } = this.#told;
    if (this.#own.outcomes === 0) return false;
    if (this.#isQuiet(nowMs) !== isQuiet || this.#isShort() !== isShort) return true;
    const isNews = this.#own.outcomes !== outcomes || (this.#ownState().dropped ?? 0) !== dropped;
    return isNews && nowMs - this.#toldAtMs >= TOLD_EVERY_MS;
  }

  taken({ outcomes, isQuiet, isShort = false, dropped = 0 }: ReporterNews, nowMs: number): void {
    this.#told = { outcomes, isQuiet, isShort, dropped };
    this.#toldAtMs = nowMs;
  }

  /** @param from the name of this process, whose own news is known */
  hear(news: ReporterNews, from: string): void {
    const before = this.#others.get(news.from)?.news;
    if (news.from === from || (before !== undefined && !isMore(news, before))) return;
    this.#others.set(news.from, { news, noticedMs: Number.POSITIVE_INFINITY });
    if (this.#others.size <= REPORTERS_MAX) return;
    let least = news;
    for (const other of this.#others.values()) if (isMore(least, other.news)) least = other.news;
    this.#others.delete(least.from);
  }

  /** @param name of this daemon */
  figures(name: string, nowMs: number): ReportingFigures {
    const { outcomes: own, lastMs: ownLastMs } = this.#own;
    let outcomes = own;
    let lastMs = own === 0 ? Number.NEGATIVE_INFINITY : ownLastMs;
    for (const other of this.#others.values()) {
      other.noticedMs = Math.min(other.noticedMs, nowMs);
      outcomes += other.news.outcomes;
      lastMs = Math.max(lastMs, Math.min(other.news.lastMs, other.noticedMs));
    }
    if (outcomes === 0) return NOTHING_REPORTED;
    const isQuiet = nowMs - lastMs >= this.#quietAfterMs(outcomes, lastMs);
    if (isQuiet) this.#allQuietAtMs = nowMs;
    // When a silence of all ends, one daemon hears the first outcome, and the others are not to blame yet.
    const isJustOver = nowMs - this.#allQuietAtMs < QUIET_MS_MIN;
    return {
      outcomes,
      quietSinceMs: isQuiet ? lastMs : undefined,
      quiet: isJustOver ? [] : this.#quiet(name, nowMs),
      short: this.#short(name, nowMs),
    };
  }

  /** The daemons whose last process says that it is quiet, by name. */
  #quiet(name: string, nowMs: number): ReportingFigures["quiet"] {
    return this.daemons(name, nowMs)
      .filter(({ isQuiet }) => isQuiet)
      .map(({ name: quiet, lastMs }) => ({ name: quiet, sinceMs: lastMs }));
  }

  /** This daemon may hear the news of the others alone, and have no memory for them. */
  #short(name: string, nowMs: number): readonly string[] {
    const others = this.daemons(name, nowMs).filter((each) => each.name !== name && each.isShort);
    return [...(this.#isShort() ? [name] : []), ...others.map((each) => each.name)].sort();
  }

  /**
   * The last process of each daemon that hears outcomes, or has heard some, sorted by name.
   *
   * @param name of this daemon
   */
  daemons(name: string, nowMs: number): readonly Reporter[] {
    const last = new Map<string, Reporter>();
    const all = Array.from(this.#others.values(), ({ news }) => news);
    const own = { name, ...this.#own, isQuiet: this.#isQuiet(nowMs), ...this.#ownState() };
    for (const each of own.outcomes > 0 ? [...all, own] : all) {
      const before = last.get(each.name);
      if (before === undefined || each.lastMs > before.lastMs) last.set(each.name, each);
    }
    return [...last.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #isQuiet(nowMs: number): boolean {
    const { outcomes, lastMs } = this.#own;
    return outcomes > 0 && nowMs - lastMs >= this.#quietAfterMs(outcomes, lastMs);
  }

  /** The silence that is longer than one by chance. */
  #quietAfterMs(outcomes: number, lastMs: number): number {
    return Math.max(QUIET_MS_MIN, (QUIET_PAUSES * (lastMs - this.#zeroMs)) / outcomes);
  }
}

/** A total order, so that one of two news of a process wins on each daemon. */
function isMore(a: ReporterNews, b: ReporterNews): boolean {
  if (a.outcomes !== b.outcomes) return a.outcomes > b.outcomes;
  if (a.isQuiet !== b.isQuiet) return a.isQuiet;
  if (a.isShort !== b.isShort) return a.isShort === true;
  if (a.dropped !== b.dropped) return (a.dropped ?? -1) > (b.dropped ?? -1);
  return JSON.stringify(a) > JSON.stringify(b);
}
