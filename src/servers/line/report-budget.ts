/**
 * How many visitors a peer may report: as many as it can have had since its last report. A proxy reports its
 * decisions once a second, and after an outage of the daemon those of the time between.
 */

import type { Peer } from "../../stream/peer.ts";

/** All workers of the fastest proxy of a machine decide less in a second. */
const REPORTED_PER_SECOND_MAX = 1_000_000;

/** A peer may report the visitors of a thousand seconds at once. */
export const REPORTED_AT_ONCE_MAX = 1_000 * REPORTED_PER_SECOND_MAX;

/** Peers that are told apart; all others together are one. */
const PEERS_MAX = 64;

const OTHERS: Peer = "others";

export class ReportBudget {
  readonly #left = new Map<Peer, { count: number; atMs: number }>();

  /** Takes `count` off what `peer` may report; false, and nothing taken, if that is less. */
  take(peer: Peer, count: number, nowMs: number): boolean {
    const name = this.#left.has(peer) || this.#left.size < PEERS_MAX ? peer : OTHERS;
    const { count: before, atMs } = this.#left.get(name) ?? { count: REPORTED_AT_ONCE_MAX, atMs: nowMs };
    const grown = (Math.max(0, nowMs - atMs) / 1_000) * REPORTED_PER_SECOND_MAX;
    const left = Math.min(REPORTED_AT_ONCE_MAX, before + grown);
    const isEnough = count <= left;
    this.#left.set(name, { count: isEnough ? left - count : left, atMs: nowMs });
    return isEnough;
  }
}
