/** The requests of an access log in little memory: 13 bytes for each, and the names of the visitors. */

/** Later requests of a longer log are left out. */
export const LOG_REQUESTS_MAX = 5_000_000;

/** One request, as a line of a log tells it. */
export interface LoggedRequest {
  readonly atMs: number;
  /** All requests with this text are one visitor's: an address, and the name of the browser if it is told. */
  readonly visitor: string;
  /** 0 if the visitor left before the answer. */
  readonly status: number;
}

const ERROR = 1;
const BROUGHT = 2;

export class RequestLog {
  #atMs = new Float64Array(1_024);
  #visitor = new Uint32Array(1_024);
  #flags = new Uint8Array(1_024);
  readonly #visitors = new Map<string, number>();
  #size = 0;
  #errors = 0;
  #isSorted = true;

  /** The number of requests. */
  get size(): number {
    return this.#size;
  }

  get visitors(): number {
    return this.#visitors.size;
  }

  get errors(): number {
    return this.#errors;
  }

  /** From the first request to the last one. */
  get lengthMs(): number {
    return this.#size === 0 ? 0 : this.atMs(this.#size - 1) - this.atMs(0);
  }

  /** Returns whether there was room. */
  add({ atMs, visitor, status }: LoggedRequest): boolean {
    if (this.#size === LOG_REQUESTS_MAX) return false;
    if (this.#size === this.#atMs.length) this.#grow();
    const known = this.#visitors.get(visitor);
    if (known === undefined) this.#visitors.set(visitor, this.#visitors.size);
    if (atMs < this.atMs(this.#size - 1)) this.#isSorted = false;
    const isError = status >= 500;
    if (isError) this.#errors++;
    this.#atMs[this.#size] = atMs;
    this.#visitor[this.#size] = known ?? this.#visitors.size - 1;
    this.#flags[this.#size] = (isError ? ERROR : 0) | (known === undefined ? 0 : BROUGHT);
    this.#size++;
    return true;
  }

  /** Puts all requests in the order of their times, because a proxy writes a line when the request ends. */
  sort(): void {
    if (this.#isSorted) return;
    this.#isSorted = true;
    const order = Uint32Array.from({ length: this.#size }, (_, index) => index);
    const [atMs, visitor, flags] = [this.#atMs, this.#visitor, this.#flags];
    order.sort((a, b) => (atMs[a] ?? 0) - (atMs[b] ?? 0));
    this.#atMs = Float64Array.from(order, (index) => atMs[index] ?? 0);
    this.#visitor = Uint32Array.from(order, (index) => visitor[index] ?? 0);
    this.#flags = Uint8Array.from(order, (index) => flags[index] ?? 0);
  }

  atMs(index: number): number {
    return this.#atMs[index] ?? Number.NaN;
  }

  visitor(index: number): number {
    return this.#visitor[index] ?? 0;
  }

  isError(index: number): boolean {
    return ((this.#flags[index] ?? 0) & ERROR) !== 0;
  }

  /**
   * The index of the first error from `index` on. After the last one it is that of the first error, in the
   * next play of the log: `size` more. There must be one.
   */
  errorFrom(index: number): number {
    let at = index;
    while (at < this.#size && !this.isError(at)) at++;
    return at < this.#size ? at : this.#size + this.errorFrom(0);
  }

  /** Whether the visitor came before, so that it had its assignment. */
  isBrought(index: number): boolean {
    return ((this.#flags[index] ?? 0) & BROUGHT) !== 0;
  }

  #grow(): void {
    const size = Math.min(LOG_REQUESTS_MAX, 2 * this.#size);
    const [atMs, visitor, flags] = [new Float64Array(size), new Uint32Array(size), new Uint8Array(size)];
    atMs.set(this.#atMs);
    visitor.set(this.#visitor);
    flags.set(this.#flags);
    [this.#atMs, this.#visitor, this.#flags] = [atMs, visitor, flags];
  }
}
