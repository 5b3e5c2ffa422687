/** Time that passes when a test says so: `bun test`'s fake timers, and the promises that they set off. */

import { jest } from "bun:test";

/** How many promises may hang on one another within one step. */
const PROMISES_MAX = 40;

const STEP_MS = 5;

/** Lets everything run that waits for no timer. */
export async function settle(): Promise<void> {
  for (let i = 0; i < PROMISES_MAX; i++) await Promise.resolve();
}

/** Lets `ms` pass. Timers must be faked. */
export async function advance(ms: number): Promise<void> {
  await settle();
  for (let left = ms; left > 0; left -= STEP_MS) {
    jest.advanceTimersByTime(Math.min(STEP_MS, left));
    await settle();
  }
}
