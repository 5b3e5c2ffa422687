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
const CONNECTIONS_LOOKED_AT = 16;
const PEERS_LOOKED_AT = 256;

/** A connection with bytes that wait: replies that its client does not read, or half a request. */
export interface WaitingConnection {
  readonly waitingBytes: number;
  readonly peer: Peer;
  /** Ends it at once; its bytes are taken off the sum. */
  terminate(): void;
}

/** The connections of one peer, and the sum of their bytes. */
interface Group {
  /** Undefined: of peers that are not told apart. */
  readonly peer: Peer | undefined;
  bytes: number;
  readonly connections: Set<WaitingConnection>;
}

export class WaitingBytes {
  readonly max: number;
  #bytes = 0;
  readonly #untold: Group = { peer: undefined, bytes: 0, connections: new Set() };
  readonly #byPeer = new Map<Peer, Group>();
  readonly #groups = new Map<WaitingConnection, Group>();
  /** The one that holds something more since a moment ago. */
  #last: WaitingConnection | undefined;

  constructor(max = WAITING_BYTES_MAX) {
    this.max = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isTooMuch(): boolean {
    return this.#bytes > this.max;
  }

  /** Keeps the sums: `before` bytes of `connection` waited, and `after` bytes do now. */
  changed(connection: WaitingConnection, before: number, after: number): void {
    if (before === after) return;
    this.#bytes += after - before;
    const known = this.#groups.get(connection);
    if (after === 0) {
      if (known !== undefined) this.#leave(known, connection, before);
      return;
    }
    const isToBeTold = this.#bytes > this.max * CROWDED_PART;
    if (known !== undefined && !(known === this.#untold && isToBeTold)) {
      known.bytes += after - before;
    } else {
      if (known !== undefined) this.#leave(known, connection, before);
      const group = isToBeTold ? this.#groupOf(connection.peer) : this.#untold;
      group.bytes += after;
      group.connections.add(connection);
      this.#groups.set(connection, group);
    }
    if (after > before) this.#last = connection;
  }

  /** Cuts off who holds much until there is room again, or it has been enough for once; returns how many connections that took. */
  cutOff(): number {
    let count = 0;
    while (this.isTooMuch && count < CUT_OFF_MAX) {
      const connection = this.#large();
      if (connection === undefined) break;
      connection.terminate();
      count++;
    }
    return count;
  }

  #groupOf(peer: Peer): Group {
    let group = this.#byPeer.get(peer);
    if (group === undefined) {
      group = { peer, bytes: 0, connections: new Set() };
      this.#byPeer.set(peer, group);
    }
    return group;
  }

  #leave(group: Group, connection: WaitingConnection, bytes: number): void {
    group.bytes -= bytes;
    group.connections.delete(connection);
    this.#groups.delete(connection);
    if (this.#last === connection) this.#last = undefined;
    if (group.peer !== undefined && group.connections.size === 0) this.#byPeer.delete(group.peer);
  }

  /** A large connection of the peer with most bytes. */
  #large(): WaitingConnection | undefined {
    const group = this.#largestGroup();
    let largest: WaitingConnection | undefined;
    if (this.#last !== undefined && group.connections.has(this.#last)) largest = this.#last;
    let looks = 0;
    for (const connection of group.connections) {
      if (largest === undefined || connection.waitingBytes > largest.waitingBytes) largest = connection;
      if (++looks >= CONNECTIONS_LOOKED_AT) break;
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
