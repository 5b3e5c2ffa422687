/**
 * The keys that come most often, counted in bounded memory (space saving, Metwally and others 2005). A key
 * with more than one in `HITTERS_MAX` of all counts is always here, if memory is not short. Its count is
 * never too great. It lacks what came before the key took the place of another one. Pure; allocates nothing,
 * but when its arrays double.
 */

import type { Memory } from "./memory.ts";

const HITTERS_MIN = 8;
const HITTERS_MAX = 64;

/** A key, its count, and the count of the keys before it. */
const HITTER_BYTES = 4 + 8 + 8;

const NO_KEYS = new Uint32Array(0);
const NO_COUNTS = new Float64Array(0);

export class HeavyHitters {
  readonly #memory: Memory | undefined;
  #keys = NO_KEYS;
  #counts = NO_COUNTS;
  /** The counts of the keys that had the places before. */
  #inherited = NO_COUNTS;
  #used = 0;

  constructor(memory?: Memory) {
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#counts.byteLength + this.#inherited.byteLength;
  }

  add(key: number, count: number): void {
    let least = 0;
    for (let place = 0; place < this.#used; place++) {
      if (this.#keys[place] === key) {
        this.#counts[place] = (this.#counts[place] ?? 0) + count;
        return;
      }
      if ((this.#counts[place] ?? 0) < (this.#counts[least] ?? 0)) least = place;
    }
    const place = this.#hasRoom() ? this.#used++ : least;
    if (place >= this.#used) return;
    const before = this.#counts[place] ?? 0;
    this.#keys[place] = key;
    this.#inherited[place] = before;
    this.#counts[place] = before + count;
  }

  /** Whether there is a place for one more key. */
  #hasRoom(): boolean {
    const { length } = this.#keys;
    if (this.#used < length) return true;
    const wanted = Math.min(Math.max(HITTERS_MIN, 2 * length), HITTERS_MAX);
    const bytes = (wanted - length) * HITTER_BYTES;
    if (bytes === 0 || this.#memory?.take(bytes, length === 0) === false) return false;
    this.#keys = longer(this.#keys, new Uint32Array(wanted));
    this.#counts = longer(this.#counts, new Float64Array(wanted));
    this.#inherited = longer(this.#inherited, new Float64Array(wanted));
    return true;
  }

  /** The keys with the greatest counts, the greatest first. */
  top(length: number): [key: number, count: number][] {
    return Array.from({ length: this.#used }, (_, place): [number, number] => [
      this.#keys[place] ?? 0,
      (this.#counts[place] ?? 0) - (this.#inherited[place] ?? 0),
    ])
      .sort(([keyA, a], [keyB, b]) => b - a || keyA - keyB)
      .slice(0, length);
  }
}

function longer<T extends Uint32Array | Float64Array>(before: T, after: T): T {
  after.set(before);
  return after;
}
