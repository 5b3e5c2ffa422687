/**
 * The wait before a store connects again: longer after each failure, and random, because a fleet that lost
 * its engine at the same moment must not come back at the same moment.
 */

/** The first wait is at most this; it doubles with each further failure. */
const BACKOFF_START_MS = 100;

/** The longest wait, even if the engine has been away for hours. */
const BACKOFF_MS_MAX = 5_000;

/** The shortest wait, because a server may accept connections and drop them at once. */
const BACKOFF_MS_MIN = 20;

/**
 * @param failures the number of failures in a row, from 1 on
 * @param random   uniform in [0, 1)
 * @returns milliseconds, anywhere up to the bound ("full jitter", which spreads a herd best: AWS Architecture
 *          Blog, "Exponential Backoff And Jitter", 2015)
 */
export function backoffMs(failures: number, random: number): number {
  const boundMs = Math.min(BACKOFF_MS_MAX, BACKOFF_START_MS * 2 ** Math.min(failures - 1, 16));
  return BACKOFF_MS_MIN + random * (boundMs - BACKOFF_MS_MIN);
}
