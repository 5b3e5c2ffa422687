/**
 * The connections of a listener, and the limit for each peer.
 *
 *     roomy ──half of the listener's places are taken, or no place is left──▶ crowded: peers are told apart
 *       ▲                                                                          │
 *       └──────────────less than a quarter of the places is taken──────────────────┘
 *
 * A crowded listener gives no peer more than `PEER_PART_MAX` of its places. If there is no place for a
 * newcomer, the peer with the most connections loses one to it, unless the newcomer's own peer has as many.
 * So each of n peers has at least an n-th of the places, in whatever order the peers came. It takes a
 * microsecond to ask the kernel for a peer. A roomy listener does not ask.
 */

import type { ListenerPlaces } from "./connections.ts";
import type { Peer } from "./peer.ts";

/** The largest part of a listener's places that one peer gets. */
const PEER_PART_MAX = 0.75;

/**
 * From the first part of the places on, peers are told apart. Below the second part, they are not any more.
 */
const CROWDED_PART = 0.5;
const ROOMY_PART = 0.25;

export interface CrowdOptions<S> {
  readonly places: ListenerPlaces;
  readonly peerOf: (socket: S) => Peer;
  /**
   * Clients ask as soon as they are connected, so a client that does not may lose its place to one of its own
   * peer.
   */
  readonly isPrompt?: boolean | undefined;
  /** Whether a request is lost if this connection is cut off. */
  readonly isBusy: (socket: S) => boolean;
  /** Cuts off a connection that has to make place for another one. The crowd has already forgotten it. */
  readonly cutOff: (socket: S, peer: Peer) => void;
}

/** The most busy connections that are passed over in the search for one that is not busy. */
const BUSY_LOOKS_MAX = 16;

/** The most peers among which the largest one is searched. One machine may have thousands of addresses. */
const PEER_LOOKS_MAX = 1_024;

export class Crowd<S> {
  readonly #options: CrowdOptions<S>;
  readonly #sockets = new Set<S>();
  /** Undefined while the listener is roomy. */
  #peers: { readonly of: Map<S, Peer>; readonly sockets: Map<Peer, Set<S>> } | undefined;

  constructor(options: CrowdOptions<S>) {
    this.#options = options;
  }

  get size(): number {
    return this.#sockets.size;
  }

  [Symbol.iterator](): IterableIterator<S> {
    return this.#sockets[Symbol.iterator]();
  }

  /** Admits a newcomer; false if there is no place for it. */
  admit(socket: S): boolean {
    const { places, isPrompt = false } = this.#options;
    const isRoomy = this.#peers === undefined && this.#sockets.size < places.max * CROWDED_PART;
    if (isRoomy && places.take()) {
      this.#sockets.add(socket);
      return true;
    }
    const peers = this.#tellApart();
    const peer = this.#options.peerOf(socket);
    const own = peers.sockets.get(peer);
    if (own !== undefined && own.size >= Math.floor(places.max * PEER_PART_MAX)) {
      if (!isPrompt || !this.#replaceIdle(own, peer)) return false;
    }
    const open = peers.sockets.get(peer)?.size ?? 0;
    if (!places.take() && !(this.#makePlace(open) && places.take())) return false;
    this.#sockets.add(socket);
    this.#note(socket, peer);
    return true;
  }

  /** Forgets a connection that is gone; false if the crowd did not know it. */
  remove(socket: S): boolean {
    if (!this.#sockets.delete(socket)) return false;
    const { places } = this.#options;
    places.release();
    if (this.#peers !== undefined) {
      const peer = this.#peers.of.get(socket) ?? "";
      this.#peers.of.delete(socket);
      const others = this.#peers.sockets.get(peer);
      others?.delete(socket);
      if (others?.size === 0) this.#peers.sockets.delete(peer);
      if (this.#sockets.size < places.max * ROOMY_PART) this.#peers = undefined;
    }
    return true;
  }

  /** Cuts off one connection of the largest peer, if that peer has more than the newcomer's would have. */
  #makePlace(open: number): boolean {
    let largest: [peer: Peer, sockets: Set<S>] | undefined;
    let looks = 0;
    for (const entry of this.#peers?.sockets ?? []) {
      if (entry[1].size > (largest?.[1].size ?? 0)) largest = entry;
      if (++looks >= PEER_LOOKS_MAX) break;
    }
    if (largest === undefined || largest[1].size <= open + 1) return false;
    const [peer, sockets] = largest;
    const socket = this.#leastBusy(sockets);
    if (socket === undefined) return false;
    this.remove(socket);
    this.#options.cutOff(socket, peer);
    return true;
  }

  /**
   * Cuts off the oldest of these sockets that is not busy; false if the first `BUSY_LOOKS_MAX` are all busy.
   */
  #replaceIdle(sockets: ReadonlySet<S>, peer: Peer): boolean {
    const socket = this.#leastBusy(sockets);
    if (socket === undefined || this.#options.isBusy(socket)) return false;
    this.remove(socket);
    this.#options.cutOff(socket, peer);
    return true;
  }

  /** The oldest socket that is not busy, or else the oldest one. */
  #leastBusy(sockets: ReadonlySet<S>): S | undefined {
    let first: S | undefined;
    let looks = 0;
    for (const socket of sockets) {
      if (!this.#options.isBusy(socket)) return socket;
      first ??= socket;
      if (++looks >= BUSY_LOOKS_MAX) break;
    }
    return first;
  }

  #tellApart() {
    if (this.#peers !== undefined) return this.#peers;
    this.#peers = { of: new Map(), sockets: new Map() };
    for (const socket of this.#sockets) this.#note(socket, this.#options.peerOf(socket));
    return this.#peers;
  }

  #note(socket: S, peer: Peer): void {
    if (this.#peers === undefined) return;
    this.#peers.of.set(socket, peer);
    const others = this.#peers.sockets.get(peer);
    if (others === undefined) this.#peers.sockets.set(peer, new Set([socket]));
    else others.add(socket);
  }
}
