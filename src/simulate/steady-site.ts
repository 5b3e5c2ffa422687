/** A site of which only its rate and its share of errors are known. Each visitor comes once. */

import { covers } from "../circle.ts";
import { assignmentIn, type Draw, gapOf, seededDraw } from "./draws.ts";
import type { BadOutcome, CanaryArc, Site, Traffic } from "./traffic.ts";

/** The requests of one visitor. The first one comes without an assignment. */
export const REQUESTS_A_VISITOR = 10;

const MINUTE_MS = 60_000;

export interface Steady {
  readonly requestsPerMinute: number;
  /** The share of master's requests that fail, in (0, 1). */
  readonly errorShare: number;
}

export function steadySite(steady: Steady): Site {
  return { traffic: (seed, psi) => new SteadyTraffic(steady, seed, psi) };
}

/**
 * Requests have numbers, and ten in a row are one visitor's. Most are sound, so the numbers of those are
 * passed over.
 */
class SteadyTraffic implements Traffic {
  readonly #steady: Steady;
  readonly #seed: number;
  readonly #draw: Draw;
  /** The share of sound requests that the canary makes fail. */
  readonly #moreShare: number;
  /** The numbers of the next request that fails with master, and of the next that only the canary fails. */
  #next: number;
  #nextOfCanary: number;
  #stepAtMs = 0;
  #arc: CanaryArc = { offset: 0, rollout: 0 };

  constructor(steady: Steady, seed: number, psi: number) {
    const { errorShare } = steady;
    this.#steady = steady;
    this.#seed = seed;
    this.#draw = seededDraw(seed);
    this.#moreShare = Math.min(1, ((psi - 1) * errorShare) / (1 - errorShare));
    this.#next = gapOf(errorShare, this.#draw);
    this.#nextOfCanary = gapOf(this.#moreShare, this.#draw);
  }

  beginStep(atMs: number, arc: CanaryArc): void {
    this.#stepAtMs = atMs;
    this.#arc = arc;
  }

  nextBad(beforeMs: number): BadOutcome | undefined {
    for (;;) {
      const isByCanary = this.#nextOfCanary < this.#next;
      const request = isByCanary ? this.#nextOfCanary : this.#next;
      const atMs = (request / this.#steady.requestsPerMinute) * MINUTE_MS;
      if (!(atMs < beforeMs)) return undefined;
      if (isByCanary) this.#nextOfCanary += gapOf(this.#moreShare, this.#draw);
      else this.#next += gapOf(this.#steady.errorShare, this.#draw);
      const visitor = Math.floor(request / REQUESTS_A_VISITOR);
      const assignment = assignmentIn(this.#seed, visitor);
      if (isByCanary && !covers(this.#arc.offset, this.#arc.rollout, assignment)) continue;
      return { atMs, visitor, assignment, isBrought: request % REQUESTS_A_VISITOR > 0, isByCanary };
    }
  }

  visitorsUntil(atMs: number): number {
    const minutes = Math.max(0, atMs - this.#stepAtMs) / MINUTE_MS;
    return Math.floor((minutes * this.#steady.requestsPerMinute) / REQUESTS_A_VISITOR);
  }
}
