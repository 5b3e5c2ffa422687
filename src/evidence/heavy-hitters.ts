/**
 * The keys that come most often, counted in bounded memory (space saving, Metwally and others 2005). A key
 * with more than one in `HITTERS_MAX` of all counts is always here. Its count is never too great. It lacks
 * what came before the key took the place of another one. Pure; allocates nothing.
 */

const HITTERS_MAX = 64;

export class HeavyHitters {
  readonly #keys = new Uint32Array(HITTERS_MAX);
  readonly #counts = new Float64Array(HITTERS_MAX);
  /** The counts of the keys that had the places before. */
  readonly #inherited = new Float64Array(HITTERS_MAX);
  #used = 0;

  get bytes(): number {
    return this.#keys.byteLength + this.#counts.byteLength + this.#inherited.byteLength;
  }

  add(key: number, count: number): void {
    const counts = this.#counts;
    let least = 0;
    for (let place = 0; place < this.#used; place++) {
      if (this.#keys[place] === key) {
        counts[place] = (counts[place] ?? 0) + count;
        return;
      }
      if ((counts[place] ?? 0) < (counts[least] ?? 0)) least = place;
    }
    const place = this.#used < HITTERS_MAX ? this.#used++ : least;
    this.#keys[place] = key;
    this.#inherited[place] = counts[place] ?? 0;
    counts[place] = (counts[place] ?? 0) + count;
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
