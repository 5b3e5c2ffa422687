/**
 * How old the news of the daemon are, also if this machine slept or the browser held the news back. No
 * browser is needed for it.
 */

/** News that are older than this are shown as old. The daemon sends a state each second at least. */
export const FRESH_MS = 2_500;

/** The clocks of a browser, in milliseconds. */
export interface Clocks {
  /** It may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** It goes on while the machine sleeps. A person or a time server may set it. */
  readonly wall: () => number;
}

/** The wall clock counts if it went on for this much more: then the machine has slept. */
const SLEEP_MS_MIN = 1_000;

/** A clock that never goes back, and goes on while the machine sleeps. */
export class WakefulClock {
  readonly #clocks: Clocks;
  #monotonicMs: number;
  #wallMs: number;
  #nowMs: number;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#monotonicMs = clocks.monotonic();
    this.#wallMs = clocks.wall();
    this.#nowMs = this.#monotonicMs;
  }

  /** The sleep is found if this is called before and after it. */
  readonly now = (): number => {
    const monotonicMs = this.#clocks.monotonic();
    const wallMs = this.#clocks.wall();
    const passedMs = monotonicMs - this.#monotonicMs;
    const wallPassedMs = wallMs - this.#wallMs;
    this.#nowMs += wallPassedMs - passedMs > SLEEP_MS_MIN ? wallPassedMs : passedMs;
    this.#monotonicMs = monotonicMs;
    this.#wallMs = wallMs;
    return this.#nowMs;
  };
}

/**
 * The quickest of this many states shows how long one takes. Older ones do not count, because clocks drift.
 */
const COMPARED = 60;

/**
 * How late the states of one stream come. A browser keeps the states of a page that it froze, and a network
 * those of a machine that slept. Then many come at once, and all but the last one are old.
 */
export class Lateness {
  /** This clock less the daemon's, of the last states. */
  #differences: number[] = [];

  /**
   * A state has come.
   *
   * @param nowMs by this page
   * @param madeAtMs by the daemon's own clock, which has nothing to do with this one
   * @returns for how long it was under way, less the time of the quickest one
   */
  of(nowMs: number, madeAtMs: number): number {
    const difference = nowMs - madeAtMs;
    if (!Number.isFinite(difference)) return 0;
    this.#differences = [...this.#differences, difference].slice(-COMPARED);
    return difference - Math.min(...this.#differences);
  }
}
