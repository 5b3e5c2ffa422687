/**
 * How long a process stood ready while the kernel gave the processor to others. A test that holds a program
 * to its own time takes this away, because the program cannot help it.
 */

import { readFileSync } from "node:fs";

const NS_PER_MS = 1e6;

/** In milliseconds, of the process's main thread since its start; 0 if this kernel does not count it. */
export function runDelayMs(pid: number): number {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return Number(waitedNs) / NS_PER_MS;
  } catch {
    return 0;
  }
}
