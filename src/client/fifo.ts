/** First in, first out: an array whose beginning moves, as `shift` of a long array copies all of it. */

/** So many places are let go at once. */
const GONE_MAX = 1024;

export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest one, which stays. */
  peek(): T | undefined {
    return this.#items[this.#first];
  }

  /** Takes the oldest one out. */
  shift(): T | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#items[this.#first++] = undefined;
    if (this.#first === this.#items.length) {
      this.#items.length = 0;
      this.#first = 0;
    } else if (this.#first >= GONE_MAX && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Takes all of them out, the oldest one first. */
  drain(): T[] {
    const items = this.#items.slice(this.#first) as T[];
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
