/**
 * The connections of a listener, and how many of them each peer may have.
 *
 *     roomy ──more than half of what the listener may hold, or no place left──▶ crowded: peers are told apart
 *       ▲                                                                            │
 *       └──────────────less than a quarter───────────────────────────────────────────┘
 *
 * A crowded listener gives no peer more than `PEER_PART_MAX` of its places. If there is no place for a newcomer, a
 * connection of the peer that holds most is cut off for it, unless the newcomer's own peer holds as many: so each of n peers
 * has at least an n-th of the places, in whatever order they came. To ask the kernel for a peer takes a microsecond, which a roomy
 * listener does not spend.
 */

import type { Share } from "./connections.ts";
import type { Peer } from "./peer.ts";

/** A peer gets no more than this part of the places of its listener. */
const PEER_PART_MAX = 0.75;

/** The part from which on peers are told apart, and the part below which they are not any more. */
const CROWDED_PART = 0.5;
const ROOMY_PART = 0.25;

export interface CrowdOptions<S> {
  readonly share: Share;
  readonly peerOf: (socket: S) => Peer;
  /** Clients ask at once, so that one that does not may lose its place to another of its own peer. */
  readonly isPrompt?: boolean | undefined;
  /** Whether cutting a connection off costs a request. */
  readonly isBusy: (socket: S) => boolean;
  /** Called for a connection that has to go for another one; the crowd has forgotten it already. */
  readonly cutOff: (socket: S, peer: Peer) => void;
}

/** Busy connections that are passed over for one that is not. */
const BUSY_LOOKS_MAX = 16;

/** So many peers are looked at to find one that holds much: one machine may have thousands of addresses. */
const PEER_LOOKS_MAX = 1_024;

export class Crowd<S> {
  readonly #options: CrowdOptions<S>;
  readonly #sockets = new Set<S>();
  /** Only while it is crowded. */
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

  /** Takes a newcomer in; false if there is no place for it. */
  admit(socket: S): boolean {
    const { share, isPrompt = false } = this.#options;
    const isRoomy = this.#peers === undefined && this.#sockets.size < share.max * CROWDED_PART;
    if (isRoomy && share.take()) {
      this.#sockets.add(socket);
      return true;
    }
    const peers = this.#tellApart();
    const peer = this.#options.peerOf(socket);
    const own = peers.sockets.get(peer);
    if (own !== undefined && own.size >= Math.floor(share.max * PEER_PART_MAX)) {
      if (!isPrompt || !this.#replaceIdle(own, peer)) return false;
    }
    const open = peers.sockets.get(peer)?.size ?? 0;
    if (!share.take() && !(this.#makePlace(open) && share.take())) return false;
    this.#sockets.add(socket);
    this.#note(socket, peer);
    return true;
  }

  /** Forgets a connection that is gone; false if it was not known. */
  remove(socket: S): boolean {
    if (!this.#sockets.delete(socket)) return false;
    const { share } = this.#options;
    share.release();
    if (this.#peers !== undefined) {
      const peer = this.#peers.of.get(socket) ?? "";
      this.#peers.of.delete(socket);
      const others = this.#peers.sockets.get(peer);
      others?.delete(socket);
      if (others?.size === 0) this.#peers.sockets.delete(peer);
      if (this.#sockets.size < share.max * ROOMY_PART) this.#peers = undefined;
    }
    return true;
  }

  /** Cuts one off of the peer that holds most, if that is more than a newcomer's peer would hold. */
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

  /** Cuts off the oldest one of these that is not in the middle of something; false if there is none among the first few. */
  #replaceIdle(sockets: ReadonlySet<S>, peer: Peer): boolean {
    const socket = this.#leastBusy(sockets);
    if (socket === undefined || this.#options.isBusy(socket)) return false;
    this.remove(socket);
    this.#options.cutOff(socket, peer);
    return true;
  }

  /** The oldest one that is not in the middle of something, or else the oldest. */
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
