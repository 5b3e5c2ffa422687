/**
 * The bytes that wait in a listener, over all of its connections: beginnings of requests, requests that are answered later, and
 * answers that their clients do not read yet.
 *
 * If it is too much, those are cut off that hold most: of the peer that holds most its largest connections, until some room
 * is free again, so that a client in the middle of a small request goes on.
 */

import type { Peer } from "./peer.ts";

/** So much may wait in a listener. */
export const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/** The part that is left after cutting off: to look for the largest takes a while, and must pay. */
const LEFT_PART = 0.75;

/** A connection of which something waits. */
export interface Holder {
  readonly heldBytes: number;
  readonly peer: Peer;
  /** Ends it at once; the bytes that it held are taken off the sum. */
  terminate(): void;
}

export class Waiting {
  readonly max: number;
  #bytes = 0;
  readonly #holders = new Set<Holder>();

  constructor(max = WAITING_BYTES_MAX) {
    this.max = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isTooMuch(): boolean {
    return this.#bytes > this.max;
  }

  /** Keeps the sum: `holder` held `before` bytes, and holds `after` now. */
  changed(holder: Holder, before: number, after: number): void {
    this.#bytes += after - before;
    if (after === 0) this.#holders.delete(holder);
    else if (before === 0) this.#holders.add(holder);
  }

  /** Cuts off the connections that hold most until there is room again; returns how many that were. */
  cutOff(): number {
    let count = 0;
    while (this.#bytes > this.max * LEFT_PART) {
      const largest = this.#largestPeer();
      if (largest.length === 0) break;
      for (const holder of largest) {
        holder.terminate();
        count++;
        if (this.#bytes <= this.max * LEFT_PART) break;
      }
    }
    return count;
  }

  /** The holders of the peer that holds most, the largest first. */
  #largestPeer(): Holder[] {
    const byPeer = Map.groupBy(this.#holders, (holder) => holder.peer);
    let most: { bytes: number; holders: Holder[] } = { bytes: 0, holders: [] };
    for (const holders of byPeer.values()) {
      const bytes = holders.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
      if (bytes > most.bytes) most = { bytes, holders };
    }
    return most.holders.sort((one, other) => other.heldBytes - one.heldBytes);
  }
}
