/**
 * Measures how long a daemon's event loop is busy before a timer of 1 ms gets its turn. It is loaded into the
 * daemon before the daemon's own code. SIGUSR2 begins a measurement. The next SIGUSR2 ends it and writes it
 * as JSON into the file of `STALL_PROBE`.
 *
 * The processor's time of the thread is the daemon's own work. The time of the clock includes the turns of
 * every other program on the machine. Both are up to 1 ms too long, and the probe leaves almost no garbage
 * for the collector.
 */

import { dlopen, ptr } from "bun:ffi";
import { renameSync, writeFileSync } from "node:fs";
import { LIBRARIES } from "../src/stream/libc.ts";

/** The longest stalls, in milliseconds. */
export interface Stalls {
  readonly processorMs: number;
  readonly clockMs: number;
}

const EVERY_MS = 1;

/** The clock's number in clock_gettime(2). */
const CLOCK_THREAD_CPUTIME_ID = 3;

/** A clock that stands still while the thread waits or another program has the processor. */
function threadClock(): () => number {
  const signature = { clock_gettime: { args: ["int", "ptr"], returns: "int" } } as const;
  const { symbols } = dlopen(LIBRARIES[0] as string, signature);
  // `struct timespec`: seconds and nanoseconds, 64 bits each.
  const time = new BigInt64Array(2);
  const words = new Uint32Array(time.buffer);
  const at = ptr(time);
  return () => {
    symbols.clock_gettime(CLOCK_THREAD_CPUTIME_ID, at);
    return (words[0] as number) * 1_000 + (words[2] as number) / 1e6;
  };
}

function probe(path: string): void {
  const processorMs = threadClock();
  let timer: ReturnType<typeof setInterval> | undefined;
  let [longest, longestByClock] = [0, 0];
  process.on("SIGUSR2", () => {
    if (timer !== undefined) {
      clearInterval(timer);
      timer = undefined;
      const stalls: Stalls = { processorMs: longest, clockMs: longestByClock };
      writeFileSync(`${path}.new`, JSON.stringify(stalls));
      renameSync(`${path}.new`, path);
      return;
    }
    longest = 0;
    longestByClock = 0;
    let [worked, at] = [processorMs(), performance.now()];
    timer = setInterval(() => {
      const workedNow = processorMs();
      const now = performance.now();
      longest = Math.max(longest, workedNow - worked);
      longestByClock = Math.max(longestByClock, now - at);
      worked = workedNow;
      at = now;
    }, EVERY_MS);
  });
}

const path = process.env["STALL_PROBE"];
if (path !== undefined) probe(path);
