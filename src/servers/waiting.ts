/**
 * What waits in a listener, over all of its connections: the beginnings of requests, requests that are answered later, and
 * answers that their clients do not read yet.
 *
 * If it is too much, those are cut off that hold much: large connections of the peer that holds most, so that a client in the
 * middle of a small request goes on. That takes a few steps however many connections there are, because visitors wait for it:
 * the sum of each peer is kept all the time, and of its connections only some are looked at.
 *
 * To ask the kernel for a peer takes a microsecond, which is spent only if much waits. Until then all are one group, `untold`.
 */

import type { Peer } from "./peer.ts";

/** What may wait in a listener. */
export const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/** The part from which on peers are told apart. */
const CROWDED_PART = 0.25;

/** So many connections are cut off at a time: the end of each takes some ten microseconds. */
const CUT_OFF_MAX = 64;

/** So many connections of a peer, and so many peers, are looked at to find a large one. */
const HOLDERS_LOOKED_AT = 16;
const PEERS_LOOKED_AT = 256;

/** A connection of which something waits. */
export interface Holder {
  readonly heldBytes: number;
  readonly peer: Peer;
  /** Ends it at once; what it held is taken off the sum. */
  terminate(): void;
}

/** What the connections of one peer hold. */
interface Group {
  /** Undefined: of peers that are not told apart. */
  readonly peer: Peer | undefined;
  bytes: number;
  readonly holders: Set<Holder>;
}

export class WaitingBytes {
  readonly max: number;
  #bytes = 0;
  readonly #untold: Group = { peer: undefined, bytes: 0, holders: new Set() };
  readonly #byPeer = new Map<Peer, Group>();
  readonly #groups = new Map<Holder, Group>();
  /** The one that holds something more since a moment ago. */
  #last: Holder | undefined;

  constructor(max = WAITING_BYTES_MAX) {
    this.max = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isTooMuch(): boolean {
    return this.#bytes > this.max;
  }

  /** Keeps the sums: `holder` held `before` bytes, and holds `after` now. */
  changed(holder: Holder, before: number, after: number): void {
    if (before === after) return;
    this.#bytes += after - before;
    const known = this.#groups.get(holder);
    if (after === 0) {
      if (known !== undefined) this.#leave(known, holder, before);
      return;
    }
    const isToBeTold = this.#bytes > this.max * CROWDED_PART;
    if (known !== undefined && !(known === this.#untold && isToBeTold)) {
      known.bytes += after - before;
    } else {
      if (known !== undefined) this.#leave(known, holder, before);
      const group = isToBeTold ? this.#groupOf(holder.peer) : this.#untold;
      group.bytes += after;
      group.holders.add(holder);
      this.#groups.set(holder, group);
    }
    if (after > before) this.#last = holder;
  }

  /** Cuts off who holds much until there is room again, or it has been enough for once; returns how many connections that took. */
  cutOff(): number {
    let count = 0;
    while (this.isTooMuch && count < CUT_OFF_MAX) {
      const holder = this.#large();
      if (holder === undefined) break;
      holder.terminate();
      count++;
    }
    return count;
  }

  #groupOf(peer: Peer): Group {
    let group = this.#byPeer.get(peer);
    if (group === undefined) {
      group = { peer, bytes: 0, holders: new Set() };
      this.#byPeer.set(peer, group);
    }
    return group;
  }

  #leave(group: Group, holder: Holder, bytes: number): void {
    group.bytes -= bytes;
    group.holders.delete(holder);
    this.#groups.delete(holder);
    if (this.#last === holder) this.#last = undefined;
    if (group.peer !== undefined && group.holders.size === 0) this.#byPeer.delete(group.peer);
  }

  /** A large holder of the peer that holds most. */
  #large(): Holder | undefined {
    const group = this.#largestGroup();
    let largest: Holder | undefined;
    if (this.#last !== undefined && group.holders.has(this.#last)) largest = this.#last;
    let looks = 0;
    for (const holder of group.holders) {
      if (largest === undefined || holder.heldBytes > largest.heldBytes) largest = holder;
      if (++looks >= HOLDERS_LOOKED_AT) break;
    }
    return largest;
  }

  #largestGroup(): Group {
    let largest = (this.#last && this.#groups.get(this.#last)) ?? this.#untold;
    if (this.#untold.bytes > largest.bytes) largest = this.#untold;
    let looks = 0;
    for (const group of this.#byPeer.values()) {
      if (group.bytes > largest.bytes) largest = group;
      if (++looks >= PEERS_LOOKED_AT) break;
    }
    return largest;
  }
}
