/** The terminal and the clocks of a person who looks at a release. */

import type { Timers } from "../../../timers.ts";
import type { Clocks } from "../../../verbs/observer.ts";
import type { Output } from "../../command.ts";

export const CLOCKS: Clocks = { monotonic: () => performance.now(), wall: Date.now };

/** Timers that keep the process: the program ends when its command does. */
export const TIMERS: Timers = {
  set: (callback, ms) => setTimeout(callback, ms),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** A page is not wider, also on a wide terminal: long lines are hard to read. */
const COLUMNS_MAX = 80;

/** A narrower terminal gets lines of this width, and breaks them itself. */
const COLUMNS_MIN = 40;

export function widthOf({ size }: Output): number {
  return Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, size?.()?.columns ?? COLUMNS_MAX));
}
