/** For each network the entry of its earliest coin. Pure; allocates nothing, but when its index doubles. */

import { mix32 } from "../judge/cell.ts";
import { type CellTable, NONE } from "./cell-table.ts";

export class EarliestOfNetworks {
  readonly #table: CellTable;
  readonly #seed: number;
  /** Open addressing by the network: one more than the entry. At most half of it is in use. */
  #slots = new Uint16Array(32);
  #used = 0;

  constructor(table: CellTable, seed: number) {
    this.#table = table;
    this.#seed = seed >>> 0;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** Forgets all. */
  clear(): void {
    this.#slots.fill(0);
    this.#used = 0;
  }

  /** Whether the coin of an entry is the earliest of its network. */
  has(entry: number): boolean {
    return this.#slots[this.#slotOf(this.#table.tagAt(entry))] === entry + 1;
  }

  /**
   * Offers the coin of an entry for its network.
   *
   * @returns the entry that loses: this one, or the one before it; `NONE` if the network had none
   */
  offer(entry: number): number {
    const slot = this.#slotOf(this.#table.tagAt(entry));
    const before = (this.#slots[slot] ?? 0) - 1;
    if (before !== NONE && !this.#isEarlier(entry, before)) return entry;
    this.#slots[slot] = entry + 1;
    if (before === NONE && ++this.#used * 2 > this.#slots.length) this.#grow();
    return before;
  }

  #isEarlier(a: number, b: number): boolean {
    const [timeA, timeB] = [this.#table.timeAt(a), this.#table.timeAt(b)];
    return timeA !== timeB ? timeA < timeB : this.#table.cellAt(a) < this.#table.cellAt(b);
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint16Array(2 * before.length);
    for (const one of before) if (one !== 0) this.#slots[this.#slotOf(this.#table.tagAt(one - 1))] = one;
  }

  #slotOf(network: number): number {
    const mask = this.#slots.length - 1;
    let slot = mix32((network ^ this.#seed) >>> 0) & mask;
    for (;;) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0 || this.#table.tagAt(entry - 1) === network) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
