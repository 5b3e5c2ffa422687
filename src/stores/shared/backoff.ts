/**
 * How long a store waits before it connects again: longer after each failure, and never the same for two
 * daemons, so that a fleet that lost its engine together does not come back together.
 */

/** The first wait is at most this; it doubles with each further failure. */
const BACKOFF_START_MS = 100;

/** However long the engine was away, it is looked for this often. */
const BACKOFF_MS_MAX = 5_000;

/** No wait is shorter: a server that takes connections and drops them is not asked in a loop. */
const BACKOFF_MS_MIN = 20;

/**
 * @param failures how often it failed in a row, from 1 on
 * @param random   uniform in [0, 1)
 * @returns milliseconds, anywhere up to the bound ("full jitter", which spreads a herd best: AWS Architecture
 *          Blog, "Exponential Backoff And Jitter", 2015)
 */
export function backoffMs(failures: number, random: number): number {
  const boundMs = Math.min(BACKOFF_MS_MAX, BACKOFF_START_MS * 2 ** Math.min(failures - 1, 16));
  return BACKOFF_MS_MIN + random * (boundMs - BACKOFF_MS_MIN);
}
