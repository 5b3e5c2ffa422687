/** For each network the entry of its earliest coin. Pure; allocates nothing, but when its index doubles. */

import type { CellTable } from "./cell-table.ts";
import { EntryIndex, NONE } from "./entry-index.ts";

export class EarliestOfNetworks {
  readonly #table: CellTable;
  readonly #index: EntryIndex;

  constructor(table: CellTable, seed: number) {
    this.#table = table;
    this.#index = new EntryIndex((entry) => table.tagAt(entry), seed);
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  /** Forgets all. */
  clear(): void {
    this.#index.clear();
  }

  /** Whether the coin of an entry is the earliest of its network. */
  has(entry: number): boolean {
    return this.#index.find(this.#table.tagAt(entry)) === entry;
  }

  /**
   * Offers the coin of an entry for its network.
   *
   * @returns the entry that loses: this one, or the one before it; `NONE` if the network had none
   */
  offer(entry: number): number {
    const network = this.#table.tagAt(entry);
    const before = this.#index.find(network);
    if (before !== NONE && !this.#isEarlier(entry, before)) return entry;
    this.#index.set(network, entry);
    return before;
  }

  #isEarlier(a: number, b: number): boolean {
    const [timeA, timeB] = [this.#table.timeAt(a), this.#table.timeAt(b)];
    return timeA !== timeB ? timeA < timeB : this.#table.cellAt(a) < this.#table.cellAt(b);
  }
}
