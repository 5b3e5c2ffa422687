/**
 * Limits the bytes that wait in a listener, over all its connections: the beginnings of requests, requests
 * that are answered later, and answers that their clients have not read yet.
 *
 * If too much waits, large connections of the peer with the most bytes are cut off, so that a client in the
 * middle of a small request goes on. Visitors wait meanwhile, so that takes only a few steps, however many
 * connections there are: the sum of each peer is always known, and only some of its connections are compared.
 *
 * It takes a microsecond to ask the kernel for a peer, so the kernel is asked only if much waits. Until then
 * all connections are in one group, `#untold`.
 */

import type { Peer } from "./peer.ts";

/** The most bytes that may wait in a listener. */
export const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/** From this part of the limit on, peers are told apart. */
const CROWDED_PART = 0.25;

/** The most connections that are cut off at a time. The end of each takes some ten microseconds. */
const CUT_OFF_MAX = 64;

/** The most connections of a peer, and the most peers, among which a large one is searched. */
const CONNECTIONS_LOOKED_AT = 16;
const PEERS_LOOKED_AT = 256;

/** A connection with bytes that wait: replies that its client does not read, or half a request. */
export interface WaitingConnection {
  readonly waitingBytes: number;
  readonly peer: Peer;
  /** Ends it at once, and takes its bytes off the sum. */
  terminate(): void;
}

/** The connections of one peer, and the sum of their bytes. */
interface Group {
  /** Undefined for the group of all peers that are not told apart. */
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
  /** The connection whose bytes grew last. */
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

  /**
   * Updates the sums: `before` bytes of `connection` waited until now, and `after` bytes wait from now on.
   */
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

  /** Cuts off large connections until there is room again, at most `CUT_OFF_MAX`; returns their number. */
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

  /** A large connection of the peer with the most bytes. */
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
