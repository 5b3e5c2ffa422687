/**
 * How many connections a daemon holds: as many as it may have file descriptors, less some for everything else, up to a
 * limit of its own.
 *
 * Half of them are divided among the listeners, so that a flood on one leaves the others their part. The other half is for
 * the listener that needs it: most daemons have one busy listener, and the descriptors of idle ones would lie fallow.
 */

import { readFileSync } from "node:fs";

/** Connections that a daemon holds; the next one is closed at once, so its proxy goes on to master. */
const CONNECTIONS_MAX = 32_768;

/** File descriptors that are left for the store, monitors and logs. */
const DESCRIPTORS_RESERVED = 64;

/** However few descriptors there are, this many connections are tried. */
const CONNECTIONS_MIN = 16;

export class Connections {
  readonly max: number;
  #shares = 0;
  #ownMax = 0;
  #commonMax = 0;
  #inCommon = 0;

  /**
   * @param max       of all listeners together
   * @param reserved  descriptors that another part has, such as the admin listener
   */
  constructor({ max, reserved = 0 }: { readonly max?: number; readonly reserved?: number } = {}) {
    this.max = max ?? connectionsMax(reserved);
  }

  /** The share of one more listener. All are to be there before the first one listens. */
  share(): Share {
    this.#shares++;
    this.#ownMax = Math.floor(this.max / 2 / this.#shares);
    this.#commonMax = this.max - this.#ownMax * this.#shares;
    return new Share(this);
  }

  /** Places that each listener has for itself. */
  get ownMax(): number {
    return this.#ownMax;
  }

  /** Places that all listeners have in common. */
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
export class Share {
  readonly #connections: Connections;
  #own = 0;
  #inCommon = 0;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** The most that this listener ever holds. */
  get max(): number {
    return this.#connections.ownMax + this.#connections.commonMax;
  }

  /** Takes one; false if there is none left. */
  take(): boolean {
    if (this.#own < this.#connections.ownMax) {
      this.#own++;
      return true;
    }
    if (!this.#connections.takeInCommon()) return false;
    this.#inCommon++;
    return true;
  }

  /** Gives back one that was taken. */
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
  let descriptors = Number.POSITIVE_INFINITY;
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    descriptors = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? descriptors);
  } catch {
    // Not Linux: the limit of our own has to do.
  }
  return Math.max(CONNECTIONS_MIN, Math.min(CONNECTIONS_MAX, descriptors - DESCRIPTORS_RESERVED - reserved));
}
