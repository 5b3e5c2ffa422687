/**
 * The memory of the evidence in a daemon. Each table asks here before it grows. If the answer is no, the
 * table has room for what it was granted before, so it is thinned earlier. Pure; allocates nothing.
 *
 * The answer depends on sizes only, never on a version or an outcome. So it makes no release look better or
 * worse.
 *
 *     EvidenceMemory    all releases of a daemon
 *       MemoryPart      a release: all of it comes back at the end of the release
 *         MemoryPart    a step: all of it comes back if a later step takes its place
 */

/** The evidence of all releases in a daemon together has at most this many bytes. */
export const ALL_EVIDENCE_BYTES_MAX = 64_000_000;

/**
 * The first entries of the tables of a release have about this many bytes. They are kept free for each
 * release that may begin, so that each of them finds a canary that fails for all.
 */
const FIRST_BYTES = 5_000;

/**
 * A table grows only if there is room for this many growths of its size. So large tables stop first, and the
 * small ones of other releases can still grow.
 */
const GROWTHS_LEFT_MIN = 16;

export interface Memory {
  /**
   * Asks for more.
   *
   * @param isFirst whether a table has nothing yet
   * @returns whether it was granted
   */
  take(bytes: number, isFirst: boolean): boolean;
  /** Gives back what was granted. */
  give(grown: number, first: number): void;
}

export interface EvidenceMemoryOptions {
  /** `ALL_EVIDENCE_BYTES_MAX` by default. */
  readonly bytesMax?: number;
  /** The number of releases that may be under way: 1 by default. */
  readonly releasesMax?: number;
}

export class EvidenceMemory implements Memory {
  readonly #bytesMax: number;
  /** For the first entries of all releases. */
  readonly #kept: number;
  #first = 0;
  #grown = 0;

  constructor({ bytesMax = ALL_EVIDENCE_BYTES_MAX, releasesMax = 1 }: EvidenceMemoryOptions = {}) {
    this.#bytesMax = bytesMax;
    this.#kept = releasesMax * FIRST_BYTES;
  }

  /** The bytes that were granted. Tables have a part of them in use. */
  get bytes(): number {
    return this.#first + this.#grown;
  }

  take(bytes: number, isFirst: boolean): boolean {
    if (isFirst) {
      if (this.bytes + bytes > this.#bytesMax) return false;
      this.#first += bytes;
      return true;
    }
    const free = this.#bytesMax - Math.max(this.#first, this.#kept) - this.#grown;
    if (GROWTHS_LEFT_MIN * bytes > free) return false;
    this.#grown += bytes;
    return true;
  }

  give(grown: number, first: number): void {
    this.#grown -= grown;
    this.#first -= first;
  }
}

export class MemoryPart implements Memory {
  readonly #whole: Memory;
  readonly #bytesMax: number;
  #first = 0;
  #grown = 0;
  #isShort = false;
  #isOver = false;

  constructor(whole: Memory, bytesMax = Number.POSITIVE_INFINITY) {
    this.#whole = whole;
    this.#bytesMax = bytesMax;
  }

  /** Whether a table was refused more. Then it counts a part of the new visitors only. */
  get isShort(): boolean {
    return this.#isShort;
  }

  take(bytes: number, isFirst: boolean): boolean {
    if (this.#isOver) return false;
    const isFull = this.#first + this.#grown + bytes > this.#bytesMax;
    if (isFull || !this.#whole.take(bytes, isFirst)) {
      this.#isShort = true;
      return false;
    }
    if (isFirst) this.#first += bytes;
    else this.#grown += bytes;
    return true;
  }

  give(grown: number, first: number): void {
    this.#grown -= grown;
    this.#first -= first;
    this.#whole.give(grown, first);
  }

  /** All of it comes back, and no more is granted. */
  end(): void {
    this.give(this.#grown, this.#first);
    this.#isOver = true;
  }
}
