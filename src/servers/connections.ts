/**
 * How many connections a daemon holds, over all its listeners together: as many as it may have file descriptors, less
 * some for everything else, up to a limit of its own.
 */

import { readFileSync } from "node:fs";

/** Connections that a daemon holds; the next one is closed at once, so its proxy goes on to master. */
const CONNECTIONS_MAX = 32_768;

/** File descriptors that are left for the store, monitors, logs and the admin listener. */
const DESCRIPTORS_RESERVED = 64;

/** However few descriptors there are, this many connections are tried. */
const CONNECTIONS_MIN = 16;

export class Connections {
  readonly max: number;
  #count = 0;

  constructor(max = connectionsMax()) {
    this.max = max;
  }

  /** Takes one, unless there are too many. */
  take(): boolean {
    if (this.#count >= this.max) return false;
    this.#count++;
    return true;
  }

  /** Gives back one that was taken. */
  release(): void {
    this.#count--;
  }
}

function connectionsMax(): number {
  let descriptors = Number.POSITIVE_INFINITY;
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    descriptors = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? descriptors);
  } catch {
    // Not Linux: the limit of our own has to do.
  }
  return Math.max(CONNECTIONS_MIN, Math.min(CONNECTIONS_MAX, descriptors - DESCRIPTORS_RESERVED));
}
