/**
 * The news of this daemon: what its tables have, and the other daemons may not know. Pure.
 *
 * All kinds are told alike, and a line has all sides in the order in which they were seen. If a side were
 * told earlier than the other, a judge that looks in between would see harm that is not there.
 *
 * News stays news until the store has it. So a batch that is lost is told again.
 */

import { BATCH_BYTES_MAX, BATCHES_MAX } from "../stores/evidence.ts";
import type { CellTable } from "./cell-table.ts";
import { eachCoin, wordsOf } from "./hearing.ts";
import type { ArrivalsNews, EvidenceNews, VisitorsNews } from "./news.ts";
import { packWords } from "./packing.ts";
import { ARRIVED, isRipe, type StepEvidence } from "./step-evidence.ts";
import type { Tables } from "./tables.ts";

/** A line has at most this many coins, or cells, so that it fits in a batch of its own. */
export const COINS_PER_LINE = 230;
export const CELLS_PER_LINE = 690;

/** Lines of full length that one telling has: as many as one call of a store takes. */
const LINES_MAX = BATCHES_MAX;

/** A short line counts for this part of a full one. */
const LINE_MIN = 256 / BATCH_BYTES_MAX;

export class Telling {
  readonly #tables: Tables;
  readonly #from: string;
  readonly #name: string;
  #atMs = Number.NEGATIVE_INFINITY;

  /**
   * @param from stands for this process in sums
   * @param name of this daemon, for people
   */
  constructor(tables: Tables, from: string, name: string) {
    this.#tables = tables;
    this.#from = from;
    this.#name = name;
  }

  /** Whether `news` would have something. */
  hasNews(nowMs: number): boolean {
    const { timeline, steps, reporters, names, unsentSigns, isUncappingUnsent } = this.#tables;
    if (!this.#isJudged(nowMs)) return false;
    const time = Math.floor(nowMs - timeline.zeroMs);
    return (
      unsentSigns.size > 0 ||
      isUncappingUnsent ||
      reporters.isDue(nowMs) ||
      names.some((name) => (this.#tables.named(name)?.table.unsent ?? 0) > 0) ||
      steps.kept.some(
        ({ arrivals, visitors, heard }) =>
          arrivals.unsent > 0 ||
          heard.isDue(nowMs) ||
          visitors.values().some((table) => hasRipe(table, time)),
      )
    );
  }

  /** The most important first, and not more than one call of a store takes. */
  news(nowMs: number): readonly EvidenceNews[] {
    const { timeline, steps, reporters, names } = this.#tables;
    const time = Math.floor(nowMs - timeline.zeroMs);
    if (!this.#isJudged(nowMs)) return [];
    this.#atMs = nowMs;
    const room = new Room();
    const news: EvidenceNews[] = this.#words();
    for (const name of names) news.push(...this.#coins(name, room));
    const reporter = reporters.news(this.#from, this.#name, nowMs);
    if (reporter !== undefined) news.push(reporter);
    for (const step of steps.kept) {
      const since = timeline.zeroMs + step.fromMs;
      news.push(...arrivals(step, since, room));
      for (const [metric, table] of step.visitors)
        news.push(...visitors(metric, table, step, since, time, room));
      const heard = room.isFull ? undefined : step.heard.news(this.#from, nowMs);
      if (heard !== undefined) news.push(heard);
    }
    return news;
  }

  /** The store has these of the last `news`. */
  taken(all: readonly EvidenceNews[]): void {
    for (const news of all) this.#take(news);
  }

  /** If one version has no visitors, nothing can be judged, and nothing is told. */
  #isJudged(nowMs: number): boolean {
    const { timeline } = this.#tables;
    const { rollout = 0, control = 0 } = timeline.steps[timeline.stepAt(nowMs - timeline.zeroMs)] ?? {};
    return rollout > 0 && control > 0;
  }

  #take(news: EvidenceNews): void {
    const { steps, reporters, timeline, unsentSigns } = this.#tables;
    const step = "step" in news ? steps.find(news.step - timeline.zeroMs) : undefined;
    switch (news.kind) {
      case "coins": {
        const table = this.#tables.named(news.of);
        eachCoin(news.coins, (cell, time, tag) => table?.known(cell, time, tag));
        return;
      }
      case "visitors": {
        const table = step?.visitors.get(news.of);
        for (const cell of wordsOf(news.cells)) table?.mark(table.find(cell), false);
        return;
      }
      case "arrivals": {
        for (const cell of wordsOf(news.seen)) step?.knowArrival(cell, 0);
        for (const cell of wordsOf(news.arrived)) step?.knowArrival(cell, ARRIVED);
        return;
      }
      case "heard":
        step?.heard.taken(news, this.#atMs);
        return;
      case "reporter":
        reporters.taken(news, this.#atMs);
        return;
      case "sign":
        for (const sign of unsentSigns) if (sign === news.sign) unsentSigns.delete(sign);
        return;
      case "uncapped":
        if (news.step - timeline.zeroMs === this.#tables.uncappedAfterMs)
          this.#tables.isUncappingUnsent = false;
    }
  }

  #words(): EvidenceNews[] {
    const { signs, unsentSigns, isUncappingUnsent, uncappedAfterMs, timeline } = this.#tables;
    const step = timeline.zeroMs + uncappedAfterMs;
    return [
      ...Array.from(unsentSigns, (sign) => ({ kind: "sign", sign, atMs: signs.get(sign) ?? 0 }) as const),
      ...(isUncappingUnsent ? [{ kind: "uncapped", step } as const] : []),
    ];
  }

  #coins(of: string, room: Room): EvidenceNews[] {
    const table = this.#tables.named(of)?.table;
    if (table === undefined) return [];
    const since = this.#tables.timeline.zeroMs;
    return inLines(unsentOf(table), COINS_PER_LINE, room).map((entries) => {
      const words = entries.flatMap((entry) => [
        table.cellAt(entry),
        table.timeAt(entry),
        table.tagAt(entry),
      ]);
      return { kind: "coins", of, since, coins: packWords(words) };
    });
  }
}

/** The room in one call of a store. */
class Room {
  #lines = 0;

  get isFull(): boolean {
    return this.#lines > LINES_MAX - 1;
  }

  /** @param part the part of a full line, in (0, 1] */
  use(part: number): void {
    this.#lines += Math.max(LINE_MIN, part);
  }
}

function arrivals({ arrivals: table }: StepEvidence, step: number, room: Room): ArrivalsNews[] {
  return inLines(unsentOf(table), CELLS_PER_LINE, room).map((entries) => {
    const packed = (tag: number) =>
      packWords(entries.filter((entry) => table.tagAt(entry) === tag).map((entry) => table.cellAt(entry)));
    return { kind: "arrivals", step, cuts: table.cuts, seen: packed(0), arrived: packed(ARRIVED) };
  });
}

function visitors(
  of: string,
  table: CellTable,
  { share }: StepEvidence,
  step: number,
  time: number,
  room: Room,
): VisitorsNews[] {
  const ripe = unsentOf(table, (entry) => isRipe(table, entry, time));
  return inLines(ripe, CELLS_PER_LINE, room).map((entries) => {
    const cells = packWords(entries.map((entry) => table.cellAt(entry)));
    return { kind: "visitors", of, step, share, cuts: table.cuts, cells };
  });
}

function hasRipe(table: CellTable, time: number): boolean {
  return table.unsent > 0 && unsentOf(table, (entry) => isRipe(table, entry, time)).length > 0;
}

function unsentOf(table: CellTable, isDue: (entry: number) => boolean = () => true): number[] {
  const entries: number[] = [];
  if (table.unsent === 0) return entries;
  for (let entry = 0; entry < table.size; entry++) {
    if (table.isUnsent(entry) && isDue(entry)) entries.push(entry);
  }
  return entries;
}

/** Cuts entries into lines, as long as there is room. The others stay news. */
function inLines(entries: readonly number[], perLine: number, room: Room): number[][] {
  const lines: number[][] = [];
  for (let at = 0; at < entries.length && !room.isFull; at += perLine) {
    const line = entries.slice(at, at + perLine);
    room.use(line.length / perLine);
    lines.push(line);
  }
  return lines;
}
