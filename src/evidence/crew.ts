/**
 * The daemons that lead a release, as their news tell. It has no clock: its caller gives the times.
 *
 * News that were there before the listener came are as old as their own time says, by the store's clock. Each
 * later one is heard when it comes, whatever time it has. So a listener that stays needs no clock that agrees
 * with the daemons'.
 */

import { Merged, PRESENCES_MAX } from "./merged.ts";
import { isPresence, type News, type Overridden, type Presence } from "./news.ts";

/** A daemon of which nothing was heard for longer leads no more. It writes a presence each 30 seconds. */
export const PRESENCE_MS_MAX = 90_000;

/** One moment, by both clocks of the listener. */
export interface Moment {
  readonly monotonicMs: number;
  /** By the store's clock, or this machine's if the store has none: milliseconds since 1970. */
  readonly nowMs: number;
}

/** A controller, as its last presence tells. */
export interface Member {
  readonly name: string;
  /** The state of the release that it has seen. */
  readonly seq: number;
  /** Whether the store takes its writes. */
  readonly isAble: boolean;
  /** Since it was heard. */
  readonly agoMs: number;
  /** Undefined if it did not tell it. */
  readonly aheadMs: number | undefined;
  readonly dropped: number | undefined;
}

export class Crew {
  readonly #merged = new Merged();
  /** When each daemon was heard last, on the monotonic clock. */
  readonly #heardAtMs = new Map<string, number>();

  /** @param areOld whether they were there before the listener came */
  hear(news: readonly News[], { monotonicMs, nowMs }: Moment, areOld: boolean): void {
    for (const each of news) {
      if (!this.#merged.add(each) || !isPresence(each)) continue;
      this.#heardAtMs.set(each.name, monotonicMs - (areOld ? Math.abs(nowMs - each.atMs) : 0));
    }
    const { presences } = this.#merged;
    if (this.#heardAtMs.size <= PRESENCES_MAX) return;
    for (const name of this.#heardAtMs.keys()) if (!presences.has(name)) this.#heardAtMs.delete(name);
  }

  /**
   * The names of the daemons that lead now, sorted.
   *
   * @param seqMin only those that have seen this state of the release, or a later one
   */
  leaders(monotonicMs: number, seqMin = 0): readonly string[] {
    return this.#present("presence", monotonicMs, seqMin);
  }

  /** The names of the daemons that should lead, and whose writes the store refuses, sorted. */
  unable(monotonicMs: number, seqMin = 0): readonly string[] {
    return this.#present("unable", monotonicMs, seqMin);
  }

  /** All controllers that were ever heard, sorted by name. */
  members(monotonicMs: number): readonly Member[] {
    return Array.from(this.#merged.presences.values(), ({ name, kind, seq, aheadMs, dropped }) => ({
      ...{ name, seq, isAble: kind === "presence", aheadMs, dropped },
      agoMs: monotonicMs - this.#heard(name),
    })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The daemon that was heard last; undefined if none ever was. */
  last(monotonicMs: number): { readonly name: string; readonly agoMs: number } | undefined {
    const [latest] = [...this.#heardAtMs].sort(([, a], [, b]) => b - a);
    return latest && { name: latest[0], agoMs: monotonicMs - latest[1] };
  }

  /** The daemons that took the visitors back by themselves, sorted by name. */
  overrides(): readonly Overridden[] {
    return [...this.#merged.overrides.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #present(kind: Presence["kind"], monotonicMs: number, seqMin: number): readonly string[] {
    return [...this.#merged.presences.values()]
      .filter((each) => each.kind === kind && each.seq >= seqMin)
      .map(({ name }) => name)
      .filter((name) => monotonicMs - this.#heard(name) <= PRESENCE_MS_MAX)
      .sort();
  }

  #heard(name: string): number {
    return this.#heardAtMs.get(name) ?? Number.NEGATIVE_INFINITY;
  }
}
