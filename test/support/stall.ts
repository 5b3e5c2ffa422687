/** The time that the event loop stands still: the wait of a visitor that comes at the worst moment. */

import { runDelayMs } from "./run-delay.ts";

/**
 * The longest time, in milliseconds, between two turns of the event loop while `work` goes on.
 *
 * @param ignored this many of the longest are left out, because other processes interrupt work of hundreds of
 * turns
 */
export async function longestStall(work: () => Promise<unknown>, ignored = 0): Promise<number> {
  const stalls: number[] = [];
  let last = performance.now();
  let lastDelay = runDelayMs(process.pid);
  let isOver = false;
  const look = () => {
    const now = performance.now();
    const delay = runDelayMs(process.pid);
    stalls.push(now - last - (delay - lastDelay));
    last = now;
    lastDelay = delay;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  isOver = true;
  look();
  return stalls.sort((a, b) => b - a)[Math.min(ignored, stalls.length - 1)] ?? 0;
}
