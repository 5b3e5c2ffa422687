/**
 * The coins of one metric: each visitor who met something bad is one, tossed at its first bad outcome. Counts
 * them by segment and side for the judge. Pure.
 *
 * The side of a coin is that of its cell at its time, by the arcs of the record. So a daemon that only
 * reports needs no arcs, and the location that a proxy reports has no say.
 *
 * Only the earliest coin of each network counts, so that a crowd of assignments in one hand is one visitor.
 * `uncapFrom` ends that from a step on.
 */

import type { Segment } from "../judge/segment.ts";
import { CellTable, type TableChange, type TagRule } from "./cell-table.ts";
import { EarliestOfNetworks } from "./earliest.ts";
import { INDEX_BYTES, NONE } from "./entry-index.ts";
import type { Memory } from "./memory.ts";
import { NO_NETWORK } from "./network.ts";
import { isInArc, type StandingArc, type Timeline } from "./timeline.ts";

type Counts = { -readonly [K in keyof Segment]: Segment[K] };

export interface CoinsOptions {
  readonly timeline: Timeline;
  readonly capacity: number;
  readonly seed: number;
  /** `of-earliest`: the tags are networks. `or`: they are flags, and all coins of a network count. */
  readonly tags: TagRule;
  readonly memory?: Memory | undefined;
}

export class Coins {
  readonly table: CellTable;
  readonly #hasNetworks: boolean;
  #timeline: Timeline;
  /** Steps from this one on have no limit for each network. */
  #uncappedFrom = Number.POSITIVE_INFINITY;
  readonly #earliest: EarliestOfNetworks;
  /** Segments of a step without a coin are one object, because a long release has hundreds of them. */
  #counts: Segment[] = [];
  /** Segments up to the last one that has a coin. */
  #used = 0;
  /** Whether the counts have to be made again, because a coin has moved. */
  #isStale = false;
  #revision = 0;

  constructor({ timeline, capacity, seed, tags, memory }: CoinsOptions) {
    this.#hasNetworks = tags === "of-earliest";
    const besideBytes = this.#hasNetworks ? INDEX_BYTES : 0;
    this.table = new CellTable({ capacity, seed, tags, memory, besideBytes });
    this.#timeline = timeline;
    this.#earliest = new EarliestOfNetworks(this.table, seed);
  }

  /** Grows with each change of the counts. */
  get revision(): number {
    return this.#revision;
  }

  get bytes(): number {
    return this.table.bytes + this.#earliest.bytes;
  }

  /**
   * Tosses the coin of a visitor, if it was not tossed before.
   *
   * @param tag the network, or flags
   * @returns whether it was tossed
   */
  toss(cell: number, time: number, tag: number): boolean {
    const change = this.table.put(cell, time, tag);
    this.#note(change);
    return change === "new";
  }

  /** Takes a coin that another daemon tells. */
  hear(cell: number, time: number, tag: number): void {
    this.#note(this.table.hear(cell, time, tag));
    this.known(cell, time, tag);
  }

  /** All daemons know this coin, so it need not be told. */
  known(cell: number, time: number, tag: number): void {
    const entry = this.table.find(cell);
    if (entry === NONE || this.table.timeAt(entry) !== time || this.table.tagAt(entry) !== tag) return;
    this.table.mark(entry, false);
  }

  /** The record has other arcs. */
  follow(timeline: Timeline): void {
    this.#timeline = timeline;
    this.#spoil();
  }

  /** @param step from this step on, all coins of a network count; Infinity for none */
  uncapFrom(step: number): void {
    if (step === this.#uncappedFrom) return;
    this.#uncappedFrom = step;
    this.#spoil();
  }

  /** Whether the visitor met something bad that counted, and in which step; -1 if it did not. */
  stepOf(cell: number): number {
    const entry = this.table.find(cell);
    return entry === NONE ? -1 : this.#timeline.countedStepAt(this.table.timeAt(entry));
  }

  /**
   * The segments that have begun at a time, with their coins. They belong to this object, and change with the
   * next coin. If the clock of another daemon is ahead, its coins lie in later segments of the last step.
   * These are there too, because such coins would count hours later otherwise.
   */
  segments(time: number): readonly Segment[] {
    if (this.#isStale) this.#recount();
    const { steps } = this.#timeline;
    const isInLast = this.#timeline.stepAt(time) === steps.length - 1;
    const count = Math.max(this.#timeline.segmentsAt(time), isInLast ? this.#used : 0);
    this.#lengthen(count);
    return this.#counts.length === count ? this.#counts : this.#counts.slice(0, count);
  }

  /** The cells of the coins that count, by segment and side. */
  cells(time: number): readonly { readonly canary: number[]; readonly master: number[] }[] {
    const lists = this.segments(time).map(() => ({ canary: [] as number[], master: [] as number[] }));
    for (let entry = 0; entry < this.table.size; entry++) {
      const step = this.#countedStep(entry);
      if (step === undefined || !this.#isCounted(entry)) continue;
      const list = lists[this.#timeline.segmentIn(step, this.table.timeAt(entry))];
      list?.[isInArc(step, this.table.cellAt(entry)) ? "canary" : "master"].push(this.table.cellAt(entry));
    }
    return lists;
  }

  #note(change: TableChange): void {
    if (change === "none") return;
    this.#revision++;
    // An entry that moved may give its network's place to another one. That is seldom, so all is counted again.
    if (change === "changed") this.#isStale = true;
    else if (!this.#isStale) this.#count(this.table.last);
  }

  #spoil(): void {
    this.#isStale = true;
    this.#revision++;
  }

  #recount(): void {
    this.#isStale = false;
    this.#counts = [];
    this.#used = 0;
    this.#earliest.clear();
    for (let entry = 0; entry < this.table.size; entry++) this.#count(entry);
  }

  #count(entry: number): void {
    const step = this.#countedStep(entry);
    if (step === undefined) return;
    if (this.#hasLimit(entry)) {
      const other = this.#earliest.offer(entry);
      if (other === entry) return;
      if (other !== NONE) this.#addTo(other, -1);
    }
    this.#addTo(entry, 1);
  }

  #addTo(entry: number, coins: number): void {
    const step = this.#countedStep(entry);
    if (step === undefined) return;
    const segment = this.#timeline.segmentIn(step, this.table.timeAt(entry));
    this.#lengthen(segment + 1);
    this.#used = Math.max(this.#used, segment + 1);
    const before = this.#counts[segment];
    if (before === undefined) return;
    const counts: Counts = isEmpty(before) ? { ...before } : before;
    this.#counts[segment] = counts;
    if (isInArc(step, this.table.cellAt(entry))) counts.canary += coins;
    else counts.master += coins;
  }

  #isCounted(entry: number): boolean {
    return !this.#hasLimit(entry) || this.#earliest.has(entry);
  }

  #hasLimit(entry: number): boolean {
    if (!this.#hasNetworks || this.table.tagAt(entry) === NO_NETWORK) return false;
    return this.#timeline.stepAt(this.table.timeAt(entry)) < this.#uncappedFrom;
  }

  /** The step in which the coin of an entry counts; undefined if it counts nowhere. */
  #countedStep(entry: number): StandingArc | undefined {
    const step = this.#timeline.steps[this.#timeline.countedStepAt(this.table.timeAt(entry))];
    return step === undefined || step.segmentsMax === 0 ? undefined : step;
  }

  #lengthen(count: number): void {
    while (this.#counts.length < count) {
      const { rollout = 0, control = 1 } = this.#timeline.stepOf(this.#counts.length) ?? {};
      const last = this.#counts.at(-1);
      const isLike = last?.rollout === rollout && last.control === control && isEmpty(last);
      this.#counts.push(isLike ? last : { rollout, control, canary: 0, master: 0 });
    }
  }
}

function isEmpty({ canary, master }: Segment): boolean {
  return canary === 0 && master === 0;
}
