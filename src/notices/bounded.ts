/** Work that always ends in time: a receiver or a store that hangs must not hold up other notices. */

import { boundedCall } from "../bounded-call.ts";
import type { Timers } from "../timers.ts";

/**
 * The result of `work`. Rejects when `ending` or the time ends it, also if it does not heed the signal that
 * it got. A late result is dropped.
 */
export function bounded<T>(
  timers: Timers,
  ms: number,
  ending: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = () => new DOMException("out of time", "TimeoutError");
  return boundedCall({ timers, ms, ending, late }, work);
}
