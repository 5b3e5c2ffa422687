/**
 * When the applications of a feed are due. An application is due again after `delay`, or at once if the
 * store's watch nudges.
 *
 * A read that fails is tried again sooner than `delay` at first, then every `delay`, because being back soon
 * is worth more than a quiet log. So a store that fails is asked at most twice as often as a healthy one. All
 * waits have jitter, because a fleet that lost its store at the same moment must not come back at the same
 * moment.
 */

/**
 * The first wait after a failure, as a fraction of `delay`. It doubles with each further failure, up to
 * `delay`.
 */
const BACKOFF_START = 1 / 4;

/**
 * Waits are shortened by up to this fraction. They are never lengthened, because a change must be found
 * within `delay`.
 */
const JITTER = 0.2;

/**
 * The same after a failure. It is larger because a push makes a whole fleet read at once, and if that read
 * fails, the next ones must be spread widely.
 */
const BACKOFF_JITTER = 0.75;

/**
 * A watch that never stops nudging causes at most one read in this time, and fewer reads while the store
 * fails.
 */
const NUDGE_MIN_MS = 10;
const NUDGE_MIN_FAILING_MS = 100;

/**
 * A poll also reads the applications that would be due within this fraction of `delay`, so that they stay
 * together.
 */
const ALONG = 1 / 2;

/**
 * An application in the schedule, which alone writes the first four fields. Times are on the feed's clock.
 */
export interface Scheduled {
  /** When the application is to be read again. */
  dueAtMs: number;
  /** Before this time, even a nudge causes no read. */
  notBeforeMs: number;
  isReading: boolean;
  /** Whether a nudge came during the read. */
  isNudged: boolean;
  /** Number of reads that have failed in a row. */
  readonly failures: number;
}

export class Schedule<S extends Scheduled> {
  readonly #scheduled: readonly S[];
  readonly #delayMs: number;
  #roundBeganAtMs = Number.NEGATIVE_INFINITY;

  constructor(scheduled: readonly S[], delayMs: number) {
    this.#scheduled = scheduled;
    this.#delayMs = delayMs;
  }

  /** When the next round is to begin; Infinity if a round has to end first. */
  get nextAtMs(): number {
    let nextAtMs = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#scheduled) if (dueAtMs < nextAtMs) nextAtMs = dueAtMs;
    return Math.max(nextAtMs, this.#roundBeganAtMs + NUDGE_MIN_MS);
  }

  /** The applications to read together now. */
  due(nowMs: number): S[] {
    const alongMs = nowMs + this.#delayMs * ALONG;
    const isPoll = this.#scheduled.some(
      ({ dueAtMs, notBeforeMs }) => dueAtMs <= nowMs && dueAtMs > notBeforeMs,
    );
    return this.#scheduled.filter(
      ({ dueAtMs, failures, notBeforeMs }) =>
        dueAtMs <= nowMs || (isPoll && failures === 0 && dueAtMs <= alongMs && notBeforeMs <= nowMs),
    );
  }

  /** Makes an application due. During its read, it becomes due when the read ends. */
  nudge(scheduled: S): void {
    if (scheduled.isReading) scheduled.isNudged = true;
    else scheduled.dueAtMs = Math.min(scheduled.dueAtMs, scheduled.notBeforeMs);
  }

  /** A round begins. Its applications are not due before their reads have ended. */
  begin(round: readonly S[], nowMs: number): void {
    this.#roundBeganAtMs = nowMs;
    for (const scheduled of round) {
      scheduled.isReading = true;
      scheduled.isNudged = false;
      scheduled.dueAtMs = Number.POSITIVE_INFINITY;
    }
  }

  /**
   * A read has ended. The next read begins `delay` after this one began, not after it ended. Otherwise the
   * values of a slow store could become stale between two reads that both succeed.
   *
   * @param random uniform in [0, 1); the same for all applications of a round, so that they stay together
   */
  end(scheduled: S, askedAtMs: number, answeredAtMs: number, random: number): void {
    const { failures } = scheduled;
    scheduled.isReading = false;
    scheduled.notBeforeMs = answeredAtMs + (failures === 0 ? NUDGE_MIN_MS : NUDGE_MIN_FAILING_MS);
    const dueAtMs = askedAtMs + pauseMs(this.#delayMs, failures, random);
    scheduled.dueAtMs = scheduled.isNudged ? scheduled.notBeforeMs : Math.max(dueAtMs, scheduled.notBeforeMs);
  }
}

/**
 * The time between the beginnings of two reads, in milliseconds.
 *
 * @param failures how many reads have failed in a row; 0 after a success
 * @param random   uniform in [0, 1)
 */
export function pauseMs(delayMs: number, failures: number, random: number): number {
  if (failures === 0) return delayMs * (1 - JITTER * random);
  const boundMs = Math.min(delayMs, delayMs * BACKOFF_START * 2 ** Math.min(failures - 1, 10));
  return boundMs * (1 - BACKOFF_JITTER * random);
}
