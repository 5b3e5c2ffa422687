/**
 * The sums of all that the daemons heard in one step: for people, for the sign `crowd`, and for networks with
 * many visitors. Pure.
 *
 * Each process counts for itself under a name that it draws. Its counts only grow, so of two news of one
 * process the one with more outcomes counts.
 */

import { HeavyHitters } from "./heavy-hitters.ts";
import type { Memory } from "./memory.ts";
import { NO_NETWORK } from "./network.ts";
import type { HeardNews } from "./news.ts";

/** The counts of this many processes are kept: those with the most outcomes. */
export const HEARD_MAX = 256;

/** The bytes of the counts of one process, about. */
const HEARD_BYTES = 1_100;

/** A process tells the counts of this many assignments, and of as many networks. */
export const HITTERS_TOLD_MAX = 4;

/** Counts are told when they have grown by this part, or after this time. */
const GROWTH_MIN = 0.5;
export const HEARD_EVERY_MS = 600_000;

type Sums = Omit<HeardNews, "kind" | "from" | "step" | "cells" | "networks">;

/** All daemons together. */
export interface HeardFigures extends Sums {
  /** The number of processes that heard something in this step. */
  readonly processes: number;
  /** The decisions of the busiest assignment, and of the busiest network. */
  readonly busiestCell: number;
  readonly busiestNetwork: number;
}

export class Heard {
  readonly #step: number;
  readonly #memory: Memory | undefined;
  readonly #cells: HeavyHitters;
  readonly #networks: HeavyHitters;
  readonly #own = { outcomes: 0, bad: 0, brought: 0, decisions: 0 };
  readonly #others = new Map<string, HeardNews>();
  /** There is memory for the counts of this many processes. */
  #places = 0;
  #told = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  /** @param step when the step began, in milliseconds since 1970 */
  constructor(step: number, memory?: Memory) {
    this.#step = step;
    this.#memory = memory;
    this.#cells = new HeavyHitters(memory);
    this.#networks = new HeavyHitters(memory);
  }

  get bytes(): number {
    return this.#cells.bytes + this.#networks.bytes + this.#others.size * HEARD_BYTES;
  }

  add(isBad: boolean, isBroughtTold: boolean): void {
    this.#own.outcomes++;
    if (isBad) this.#own.bad++;
    if (isBroughtTold) this.#own.brought++;
  }

  /** @param share the outcome is of an assignment in this share, and stands for one in `share` */
  decide(cell: number, network: number, share: number): void {
    this.#own.decisions += 1 / share;
    // All decisions of this assignment are reported, so it stands for itself.
    this.#cells.add(cell, 1);
    if (network !== NO_NETWORK) this.#networks.add(network, 1 / share);
  }

  /** The news of this process; undefined if there is not enough new. */
  news(from: string, nowMs: number): HeardNews | undefined {
    return this.isDue(nowMs) ? this.#newsOf(from) : undefined;
  }

  /** Whether there is enough new to tell. */
  isDue(nowMs: number): boolean {
    const { outcomes } = this.#own;
    if (outcomes === this.#told) return false;
    return outcomes > this.#told * (1 + GROWTH_MIN) || nowMs - this.#toldAtMs >= HEARD_EVERY_MS;
  }

  taken({ outcomes }: HeardNews, nowMs: number): void {
    this.#told = Math.max(this.#told, outcomes);
    this.#toldAtMs = nowMs;
  }

  /** @param from the name of this process, whose own news is known */
  hear(news: HeardNews, from: string): boolean {
    const before = this.#others.get(news.from);
    if (news.from === from || (before !== undefined && !isMore(news, before))) return false;
    this.#others.set(news.from, news);
    if (this.#others.size <= this.#places || this.#hasPlace()) return true;
    let least = news;
    for (const other of this.#others.values()) if (isMore(least, other)) least = other;
    this.#others.delete(least.from);
    return least !== news;
  }

  #hasPlace(): boolean {
    if (this.#places === HEARD_MAX || this.#memory?.take(HEARD_BYTES, false) === false) return false;
    this.#places++;
    return true;
  }

  figures(): HeardFigures {
    const all = [...this.#others.values(), ...(this.#own.outcomes > 0 ? [this.#newsOf("")] : [])];
    const sum = (of: keyof Sums) => all.reduce((total, each) => total + each[of], 0);
    return {
      processes: all.length,
      ...{ outcomes: sum("outcomes"), bad: sum("bad"), brought: sum("brought"), decisions: sum("decisions") },
      busiestCell: busiest(all.map(({ cells }) => cells)),
      busiestNetwork: busiest(all.map(({ networks }) => networks)),
    };
  }

  #newsOf(from: string): HeardNews {
    const decisions = Math.round(this.#own.decisions);
    const cells = rounded(this.#cells.top(HITTERS_TOLD_MAX));
    const networks = rounded(this.#networks.top(HITTERS_TOLD_MAX));
    return { kind: "heard", from, step: this.#step, ...this.#own, decisions, cells, networks };
  }
}

function rounded(top: [number, number][]): [number, number][] {
  return top.map(([key, count]) => [key, Math.round(count)]);
}

/** The greatest sum of one key over all lists. */
function busiest(lists: readonly HeardNews["cells"][]): number {
  const sums = new Map<number, number>();
  for (const [key, count] of lists.flat()) sums.set(key, (sums.get(key) ?? 0) + count);
  return Math.max(0, ...sums.values());
}

/** A total order, so that one of two news of a process wins on each daemon. */
function isMore(a: HeardNews, b: HeardNews): boolean {
  if (a.outcomes !== b.outcomes) return a.outcomes > b.outcomes;
  return JSON.stringify(a) > JSON.stringify(b);
}
