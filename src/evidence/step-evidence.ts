/**
 * The evidence that belongs to one step: the visitors for the gate, the visitors that reached the canary, and
 * the sums of what was heard. Pure.
 */

import { RIPE_MS } from "../judge/gate.ts";
import type { Reach } from "../judge/verdict.ts";
import { CellTable } from "./cell-table.ts";
import { NONE } from "./entry-index.ts";
import { Heard } from "./heard.ts";
import { type Memory, MemoryPart } from "./memory.ts";
import { isInShare } from "./share.ts";

/**
 * Visitors are counted exactly up to this number for each metric and step. Beyond it the table is cut, and
 * each visitor in it stands for several: at least half of this number stay, so that the count is right to 2
 * %.
 */
export const SKETCH_CELLS_MAX = 8_192;

/** The flag of a visitor that was reported at the canary. */
export const ARRIVED = 1;

/** A time that is long past. Another daemon names a visitor only when it is ripe. */
const RIPE = 0;

export class StepEvidence {
  /** When the step began, in milliseconds since the release's first arc. */
  readonly fromMs: number;
  readonly heard: Heard;
  /**
   * By the name of each metric that has a gate. Its times are those at which the step first saw a visitor.
   */
  readonly visitors: ReadonlyMap<string, CellTable>;
  readonly arrivals: CellTable;
  readonly #memory: MemoryPart;
  /** The least share of assignments of which a proxy reports good outcomes. */
  #share = 1;
  #revision = 0;

  /** @param step when the step began, in milliseconds since 1970 */
  constructor(fromMs: number, step: number, gated: readonly string[], seed: number, memory: Memory) {
    this.fromMs = fromMs;
    this.#memory = new MemoryPart(memory);
    const options = { capacity: SKETCH_CELLS_MAX, seed, tags: "or", memory: this.#memory } as const;
    this.heard = new Heard(step, this.#memory);
    this.visitors = new Map(gated.map((name) => [name, new CellTable(options)]));
    this.arrivals = new CellTable(options);
  }

  get share(): number {
    return this.#share;
  }

  /** Grows with each change but those of `heard`. */
  get revision(): number {
    return this.#revision;
  }

  get bytes(): number {
    let bytes = this.heard.bytes + this.arrivals.bytes;
    for (const table of this.visitors.values()) bytes += table.bytes;
    return bytes;
  }

  /** Later steps have its place, so its memory comes back. */
  end(): void {
    this.#memory.end();
  }

  shares(share: number): void {
    if (share >= this.#share) return;
    this.#share = share;
    this.#revision++;
  }

  /** This daemon saw a visitor that could meet a metric. */
  sees(metric: string, cell: number, time: number): void {
    const table = this.visitors.get(metric);
    if (table !== undefined) this.#note(table, table.hear(cell, Math.max(time, RIPE + 1), 0) !== "none");
  }

  /** This daemon heard of a visitor in the canary's arc. */
  arrives(cell: number, time: number, isAtCanary: boolean): void {
    this.#note(this.arrivals, this.arrivals.hear(cell, time, isAtCanary ? ARRIVED : 0) !== "none");
  }

  /** Another daemon tells which visitors it saw. */
  hearVisitors(metric: string, cells: readonly number[], share: number, cuts: number): void {
    const table = this.visitors.get(metric);
    if (table === undefined) return;
    this.shares(share);
    if (table.cutTo(cuts) !== "none") this.#revision++;
    for (const cell of cells) this.#hear(table, cell, RIPE, 0);
  }

  hearArrivals(seen: readonly number[], arrived: readonly number[], cuts: number): void {
    if (this.arrivals.cutTo(cuts) !== "none") this.#revision++;
    for (const cell of seen) this.#hear(this.arrivals, cell, RIPE, 0);
    for (const cell of arrived) this.#hear(this.arrivals, cell, RIPE, ARRIVED);
  }

  /** All daemons know this of a visitor in the canary's arc. */
  knowArrival(cell: number, tag: number): void {
    const entry = this.arrivals.find(cell);
    if (entry !== NONE && this.arrivals.tagAt(entry) === tag) this.arrivals.mark(entry, false);
  }

  /** The canary's visitors in this step, and those of them that were reported at the canary. */
  reach(): Reach {
    let atCanary = 0;
    const { arrivals } = this;
    for (let entry = 0; entry < arrivals.size; entry++) atCanary += arrivals.tagAt(entry) & ARRIVED;
    return { seen: arrivals.size, atCanary };
  }

  /**
   * The number of visitors on the whole circle who could have met a metric, were first seen long enough ago,
   * and had not met it before the step. If few visitors stand for many, as when memory is short, then the
   * number is not too great with 97 %, because `ok` must not come too early.
   *
   * @param hadBefore whether a visitor met the metric before the step
   */
  countVisitors(metric: string, time: number, hadBefore: (cell: number) => boolean): number {
    const table = this.visitors.get(metric);
    if (table === undefined) return 0;
    let count = 0;
    for (let entry = 0; entry < table.size; entry++) {
      const cell = table.cellAt(entry);
      if (!isRipe(table, entry, time) || hadBefore(cell)) continue;
      if (isInShare(cell / 2 ** 32, this.#share)) count++;
    }
    const isRough = table.cuts > 0 && table.size < SKETCH_CELLS_MAX / 2;
    const sure = isRough ? Math.max(0, count - 2 * Math.sqrt(count)) : count;
    return (sure * 2 ** table.cuts) / this.#share;
  }

  #hear(table: CellTable, cell: number, time: number, tag: number): void {
    if (table.hear(cell, time, tag) !== "none") this.#revision++;
    const entry = table.find(cell);
    // All daemons know it now.
    if (entry !== NONE && table.tagAt(entry) === tag) table.mark(entry, false);
  }

  #note(table: CellTable, isNew: boolean): void {
    if (!isNew) return;
    this.#revision++;
    table.mark(table.last, true);
  }
}

/** Whether a visitor in a table of visitors was first seen long enough ago to count. */
export function isRipe(table: CellTable, entry: number, time: number): boolean {
  const firstMs = table.timeAt(entry);
  return firstMs === RIPE || firstMs + RIPE_MS <= time;
}
