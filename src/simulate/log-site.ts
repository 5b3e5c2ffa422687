/**
 * A site that is known by its access log. A run plays the log with new assignments of all visitors, and
 * begins it again at its end. So bots, bursts, incidents and faithful visitors are those of the site.
 */

import { covers } from "../circle.ts";
import { assignmentIn, type Draw, gapOf, seededDraw } from "./draws.ts";
import type { RequestLog } from "./request-log.ts";
import type { BadOutcome, CanaryArc, Site, Traffic } from "./traffic.ts";

/** The time between the last request of a log and the first one when it begins again. */
const GAP_MS = 1_000;

/**
 * @param log sorted, with one request at least
 * @param errorShare of master's requests; a harm is a multiple of it
 */
export function logSite(log: RequestLog, errorShare: number): Site {
  return { traffic: (seed, psi) => new LogTraffic(log, errorShare, seed, psi) };
}

/** A place in the log that goes forward, and begins again at the end. */
class Place {
  readonly #log: RequestLog;
  readonly #lengthMs: number;
  /** The time of the present play, less that of the log's first request. */
  #playMs: number;
  index = 0;

  constructor(log: RequestLog) {
    this.#log = log;
    this.#lengthMs = log.lengthMs + GAP_MS;
    this.#playMs = -log.atMs(0);
  }

  /** Since the beginning of the first play. */
  get atMs(): number {
    return this.#playMs + this.#log.atMs(this.index);
  }

  /** Goes to another request of this play, or beyond its end to one of a later play. */
  goTo(index: number): void {
    const plays = Math.floor(index / this.#log.size);
    this.#playMs += plays * this.#lengthMs;
    this.index = index - plays * this.#log.size;
  }
}

class LogTraffic implements Traffic {
  readonly #log: RequestLog;
  readonly #seed: number;
  readonly #draw: Draw;
  readonly #moreShare: number;
  /** The next error of the log; undefined if it has none. */
  readonly #error: Place | undefined;
  /** The next request that fails if it is the canary's; undefined if the canary is sound. */
  readonly #more: Place | undefined;
  #arc: CanaryArc = { offset: 0, rollout: 0 };
  /** The next request whose visitor is to be counted, and the visitors counted in this step. */
  readonly #counted: Place;
  #visitors = 0;
  #step = 0;
  /** By visitor: the step in which it was counted last. */
  readonly #stepOf: Uint32Array;

  constructor(log: RequestLog, errorShare: number, seed: number, psi: number) {
    this.#log = log;
    this.#seed = seed;
    this.#draw = seededDraw(seed);
    this.#moreShare = Math.min(1, ((psi - 1) * errorShare) / (1 - errorShare));
    this.#error = log.errors === 0 ? undefined : new Place(log);
    this.#error?.goTo(log.errorFrom(0));
    this.#more = this.#moreShare > 0 ? new Place(log) : undefined;
    this.#more?.goTo(gapOf(this.#moreShare, this.#draw) - 1);
    this.#counted = new Place(log);
    this.#stepOf = new Uint32Array(log.visitors);
  }

  beginStep(atMs: number, arc: CanaryArc): void {
    this.#arc = arc;
    this.#step++;
    this.#visitors = 0;
    while (this.#counted.atMs < atMs) this.#counted.goTo(this.#counted.index + 1);
  }

  nextBad(beforeMs: number): BadOutcome | undefined {
    for (;;) {
      const [errorMs, moreMs] = [this.#error?.atMs ?? beforeMs, this.#more?.atMs ?? beforeMs];
      const isByCanary = moreMs < errorMs;
      const place = isByCanary ? this.#more : this.#error;
      const atMs = Math.min(errorMs, moreMs);
      if (place === undefined || atMs >= beforeMs) return undefined;
      const { index } = place;
      place.goTo(isByCanary ? index + gapOf(this.#moreShare, this.#draw) : this.#log.errorFrom(index + 1));
      const visitor = this.#log.visitor(index);
      const assignment = assignmentIn(this.#seed, visitor);
      // The canary breaks only what is sound, and only for its own visitors.
      const { offset, rollout } = this.#arc;
      if (isByCanary && (this.#log.isError(index) || !covers(offset, rollout, assignment))) continue;
      return { atMs, visitor, assignment, isBrought: this.#log.isBrought(index), isByCanary };
    }
  }

  visitorsUntil(atMs: number): number {
    for (const place = this.#counted; place.atMs < atMs; place.goTo(place.index + 1)) {
      const visitor = this.#log.visitor(place.index);
      if (this.#stepOf[visitor] === this.#step) continue;
      this.#stepOf[visitor] = this.#step;
      this.#visitors++;
    }
    return this.#visitors;
  }
}
