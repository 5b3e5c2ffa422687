/**
 * Controllers wait a random time after something is due, so that they seldom race. Pure: the time is an
 * argument.
 */

/** Controllers wait a random part of this after something is due. */
export const SPREAD_MS = 2_000;

export class Spread {
  readonly #random: () => number;
  /** In [0, 1): this daemon's part of the spread. */
  #part: number;
  /** When something was to be due by the last look; Infinity if that was not known. */
  #expectedAtMs = Number.POSITIVE_INFINITY;
  /** Since when something is due; undefined if nothing is. */
  #dueSinceMs: number | undefined;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
    this.#part = random();
  }

  /** The release has a new state: other things are due, and another controller may be first. */
  restart(): void {
    this.#part = this.#random();
    this.#expectedAtMs = Number.POSITIVE_INFINITY;
    this.#dueSinceMs = undefined;
  }

  /**
   * The time of an attempt for something that is due at `dueAtMs` by a look at `nowMs`. Once it is due, later
   * looks do not put it off. A time that was not known before begins now.
   */
  attemptAtMs(dueAtMs: number, nowMs: number): number {
    const sinceMs = Number.isFinite(this.#expectedAtMs) && Number.isFinite(dueAtMs) ? dueAtMs : nowMs;
    this.#dueSinceMs = dueAtMs > nowMs ? undefined : (this.#dueSinceMs ?? sinceMs);
    this.#expectedAtMs = dueAtMs;
    return (this.#dueSinceMs ?? dueAtMs) + SPREAD_MS * this.#part;
  }
}
