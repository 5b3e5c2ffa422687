/** The waits between the attempts to go on with one release: a longer one after each failure. */

/** After an attempt that had nothing to write, the next one waits this long. */
const AGAIN_MS = 1_000;

/** The first wait after a failure doubles up to this one. */
const BACKOFF_MS = 1_000;
const BACKOFF_MS_MAX = 30_000;

/** An abort is tried again sooner. */
const ABORT_BACKOFF_MS = 250;
const ABORT_BACKOFF_MS_MAX = 5_000;

/** A daemon without rights tries again after this time, because a person may have given them. */
const DENIED_MS = 60_000;

export class Pace {
  readonly #clock: () => number;
  readonly #random: () => number;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;

  /**
   * @param clock  monotonic, in milliseconds
   * @param random uniform in [0, 1)
   */
  constructor(clock: () => number, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** No attempt begins earlier; -Infinity if none is held back. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /** The release has a new state. A wait after a failure goes on. */
  restart(): void {
    if (this.#failures === 0) this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** Nothing is held back. */
  wentWell(): void {
    this.#failures = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** The next attempt waits a little. Earlier failures stay. */
  wait(): void {
    this.#notBeforeMs = this.#clock() + AGAIN_MS;
  }

  /** @param kind an attempt to abort, one without the right to write, or another one */
  failed(kind: "abort" | "denied" | "other"): void {
    this.#failures++;
    this.#notBeforeMs = this.#clock() + this.#backoffMs(kind) * (1 - 0.5 * this.#random());
  }

  #backoffMs(kind: "abort" | "denied" | "other"): number {
    const doubled = 2 ** Math.min(this.#failures - 1, 10);
    if (kind === "abort") return Math.min(ABORT_BACKOFF_MS_MAX, ABORT_BACKOFF_MS * doubled);
    return kind === "denied" ? DENIED_MS : Math.min(BACKOFF_MS_MAX, BACKOFF_MS * doubled);
  }
}
