/**
 * Limits the visitors that a peer may report to the number that it can have had since its last report. A
 * proxy reports its decisions once a second. After an outage of the daemon, it reports those of the outage
 * too.
 */

import type { Peer } from "../../stream/peer.ts";

/** Visitors a second. All workers of the fastest proxy on one machine together decide fewer. */
const REPORTED_PER_SECOND_MAX = 1_000_000;

/** The most visitors in one report: those of a thousand seconds. */
export const REPORTED_AT_ONCE_MAX = 1_000 * REPORTED_PER_SECOND_MAX;

/** Peers with a budget of their own. All others share one. */
const PEERS_MAX = 64;

const OTHERS: Peer = "others";

export class ReportBudget {
  readonly #left = new Map<Peer, { count: number; atMs: number }>();

  /** Takes `count` from the budget of `peer`. If the budget is smaller, returns false and takes nothing. */
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
