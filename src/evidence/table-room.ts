/**
 * The room of a table: the entries for which it has memory, and how often it is thinned. Pure; allocates
 * nothing.
 *
 * A table asks for memory when half of its room is in use. If it is refused, it is thinned as if this room
 * were its capacity. It asks again for each new entry, because another release may have ended.
 */

import { ENTRIES_MAX } from "./entry-index.ts";
import type { Memory } from "./memory.ts";

/** The first entries of a table. */
export const ENTRIES_MIN = 16;

export const HALVINGS_MAX = 32;

export interface TableRoomOptions {
  /** The most entries, if memory is not short. */
  readonly capacity: number;
  /** The table is refused nothing without it. */
  readonly memory?: Memory | undefined;
  readonly entryBytes: number;
}

export class TableRoom {
  readonly #capacity: number;
  readonly #memory: Memory | undefined;
  readonly #entryBytes: number;
  #entries = 0;
  #halvings = 0;

  constructor({ capacity, memory, entryBytes }: TableRoomOptions) {
    this.#capacity = capacity;
    this.#memory = memory;
    this.#entryBytes = entryBytes;
  }

  /** How often new cells are thinned: the table takes one in 2 to this power. */
  get halvings(): number {
    return this.#halvings;
  }

  /** Whether the table has no memory at all. */
  get isNone(): boolean {
    return this.#entries === 0;
  }

  /** Whether a table of this size is full. */
  isFull(size: number): boolean {
    return size >= Math.min(this.#entries, ENTRIES_MAX);
  }

  /** Whether there is room for one more entry, or can be. */
  hasPlace(size: number): boolean {
    if (this.isFull(size)) this.#ask(size);
    return !this.isFull(size);
  }

  /** The table has a new entry, and this size now. */
  grew(size: number): void {
    this.#ask(size);
    this.#thin(size);
  }

  #ask(size: number): void {
    if (this.#entries >= this.#capacity || 2 * size < this.#entries) return;
    const wanted = Math.min(Math.max(ENTRIES_MIN, 2 * this.#entries), this.#capacity);
    const bytes = (wanted - this.#entries) * this.#entryBytes;
    if (this.#memory?.take(bytes, this.#entries === 0) === false) return;
    this.#entries = wanted;
    this.#halvings = 0;
    this.#thin(size);
  }

  #thin(size: number): void {
    while (this.#halvings < HALVINGS_MAX && size >= this.#until(this.#halvings)) this.#halvings++;
  }

  /** The size at which the table is thinned once more. */
  #until(halvings: number): number {
    return this.#entries - Math.floor(this.#entries / 2 ** (halvings + 1));
  }
}
