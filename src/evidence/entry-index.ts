/**
 * Finds the entry of a table by a key of 32 bits. Open addressing in 16 bits a slot, at most half of them in
 * use. Pure; `find` and `set` allocate nothing, but when the slots double.
 */

import { mix32 } from "../judge/cell.ts";

/** No entry. */
export const NONE = -1;

/** More entries than this have no number in 16 bits, because 0 is an empty slot. */
export const ENTRIES_MAX = 65_535;

const SLOTS_MIN = 32;

/** The bytes of an entry, at most: two slots. */
export const INDEX_BYTES = 4;

/** An index without entries. Nothing is written into it. */
const NO_SLOTS = new Uint16Array(1);

export class EntryIndex {
  readonly #keyOf: (entry: number) => number;
  readonly #seed: number;
  /** One more than the number of the entry. */
  #slots = NO_SLOTS;
  #used = 0;

  /**
   * @param keyOf the key of an entry, which stays until `clear`
   * @param seed 32 bits that a visitor cannot know. They keep chosen keys from meeting in one slot
   */
  constructor(keyOf: (entry: number) => number, seed: number) {
    this.#keyOf = keyOf;
    this.#seed = seed;
  }

  get bytes(): number {
    return this.#slots === NO_SLOTS ? 0 : this.#slots.byteLength;
  }

  /** The entry of a key; `NONE` if it has none. */
  find(key: number): number {
    return (this.#slots[this.#slotOf(key)] ?? 0) - 1;
  }

  /** Gives a key an entry, in place of the one that it had. */
  set(key: number, entry: number): void {
    let slot = this.#slotOf(key);
    if (this.#slots[slot] === 0 && ++this.#used * 2 > this.#slots.length) {
      this.#grow();
      slot = this.#slotOf(key);
    }
    this.#slots[slot] = entry + 1;
  }

  /** Forgets all. */
  clear(): void {
    this.#slots.fill(0);
    this.#used = 0;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint16Array(Math.max(SLOTS_MIN, 2 * before.length));
    for (const one of before) if (one !== 0) this.#slots[this.#slotOf(this.#keyOf(one - 1))] = one;
  }

  /** The slot of a key, or the empty slot in which it belongs. */
  #slotOf(key: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = mix32((key ^ this.#seed) >>> 0) & mask;
    for (;;) {
      const one = slots[slot] ?? 0;
      if (one === 0 || this.#keyOf(one - 1) === key) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
