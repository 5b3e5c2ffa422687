/**
 * Limits the connections of a daemon. The limit is the number of file descriptors that the daemon may open,
 * less some for all other needs, and at most `CONNECTIONS_MAX`.
 *
 * Half of the places are divided among the listeners, so that a flood on one leaves the others their part.
 * All listeners share the other half: most daemons have one busy listener, and places of idle listeners would
 * be wasted.
 */

import { readFileSync } from "node:fs";

/** The most connections of a daemon. The next one is closed at once, so its proxy serves master. */
const CONNECTIONS_MAX = 32_768;

/** File descriptors for the store, monitors and logs. */
const DESCRIPTORS_RESERVED = 64;

/** The daemon allows this many connections, however few descriptors there are. */
const CONNECTIONS_MIN = 16;

export class Connections {
  readonly max: number;
  #listeners = 0;
  #ownMax = 0;
  #commonMax = 0;
  #inCommon = 0;

  /**
   * @param max       the most connections of all listeners together
   * @param reserved  descriptors that another part needs, such as the admin listener
   */
  constructor({ max, reserved = 0 }: { readonly max?: number; readonly reserved?: number } = {}) {
    this.max = max ?? connectionsMax(reserved);
  }

  /** The places of one more listener. All of these must be made before the first listener listens. */
  forListener(): ListenerPlaces {
    this.#listeners++;
    this.#ownMax = Math.floor(this.max / 2 / this.#listeners);
    this.#commonMax = this.max - this.#ownMax * this.#listeners;
    return new ListenerPlaces(this);
  }

  /** The places that each listener has for itself. */
  get ownMax(): number {
    return this.#ownMax;
  }

  /** The places that all listeners have in common. */
  get commonMax(): number {
    return this.#commonMax;
  }

  takeInCommon(): boolean {
    if (this.#inCommon >= this.#commonMax) return false;
    this.#inCommon++;
    return true;
  }

  releaseInCommon(): void {
    this.#inCommon--;
  }
}

/** The places of one listener. */
export class ListenerPlaces {
  readonly #connections: Connections;
  #own = 0;
  #inCommon = 0;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** The most places that this listener can have. */
  get max(): number {
    return this.#connections.ownMax + this.#connections.commonMax;
  }

  /** Takes one place; false if none is left. */
  take(): boolean {
    if (this.#own < this.#connections.ownMax) {
      this.#own++;
      return true;
    }
    if (!this.#connections.takeInCommon()) return false;
    this.#inCommon++;
    return true;
  }

  /** Gives one place back. */
  release(): void {
    if (this.#inCommon > 0) {
      this.#inCommon--;
      this.#connections.releaseInCommon();
    } else {
      this.#own--;
    }
  }
}

function connectionsMax(reserved: number): number {
  const most = descriptorsMax() - DESCRIPTORS_RESERVED - reserved;
  return Math.max(CONNECTIONS_MIN, Math.min(CONNECTIONS_MAX, most));
}

/** The files that this process may open; Infinity if that is not known, as on another system than Linux. */
export function descriptorsMax(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
