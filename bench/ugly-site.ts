/**
 * A site as ugly as real ones: visitors who fail at each request beside many who fail once a week, bots
 * without cookies, a rate that drifts with the day, and an incident. Only bad outcomes are drawn.
 */

import { covers } from "../src/circle.ts";
import { type Draw, seededDraw } from "../src/simulate/draws.ts";
import type { BadOutcome, CanaryArc, Site, Traffic } from "../src/simulate/traffic.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Visitors who can fail at all. */
const VISITORS = 1_000;
/** Errors a minute of all of them together, in the mean over the day. */
const ERRORS_PER_MINUTE = 8;
/** Requests a minute that fail without a cookie, each with an assignment of its own. */
const BOTS_PER_MINUTE = 2;
/** The gate counts them. */
const VISITORS_PER_MINUTE = 400;
/** The spread of the visitors' rates of errors: some fail thousands of times as often as others. */
const SPREAD = 2;
/** The rate at its highest, as a multiple of the mean. */
const DRIFT_MAX = 1.8;
/** An incident adds this many times the usual errors. */
const INCIDENT_TIMES = 40;
const INCIDENT_MS_MAX = 20 * MINUTE_MS;
/** Later errors of one visitor toss no coin. A few are drawn, because the first may come too early. */
const ERRORS_A_VISITOR_MAX = 4;

/** @param lengthMs of the traffic of a run */
export function uglySite(lengthMs: number): Site {
  return { traffic: (seed, psi) => new UglyTraffic(seededDraw(seed), psi, lengthMs) };
}

class UglyTraffic implements Traffic {
  readonly #bad: readonly BadOutcome[];
  #next = 0;
  #stepAtMs = 0;
  #arc: CanaryArc = { offset: 0, rollout: 0 };

  constructor(draw: Draw, psi: number, lengthMs: number) {
    const clock = new UglyClock(draw, lengthMs);
    const bad: BadOutcome[] = [];
    addVisitors(bad, draw, clock, psi);
    addBots(bad, draw, lengthMs, psi);
    this.#bad = bad.sort((a, b) => a.atMs - b.atMs);
  }

  beginStep(atMs: number, arc: CanaryArc): void {
    this.#stepAtMs = atMs;
    this.#arc = arc;
  }

  nextBad(beforeMs: number): BadOutcome | undefined {
    for (;;) {
      const bad = this.#bad[this.#next];
      if (bad === undefined || bad.atMs >= beforeMs) return undefined;
      this.#next++;
      if (!bad.isByCanary || covers(this.#arc.offset, this.#arc.rollout, bad.assignment)) return bad;
    }
  }

  visitorsUntil(atMs: number): number {
    return Math.max(0, ((atMs - this.#stepAtMs) / MINUTE_MS) * VISITORS_PER_MINUTE);
  }
}

/** The drift of a day, and when the incident is. */
class UglyClock {
  readonly lengthMs: number;
  readonly #phaseMs: number;
  readonly incidentMs: number;
  readonly incidentEndMs: number;

  constructor(draw: Draw, lengthMs: number) {
    this.lengthMs = lengthMs;
    this.#phaseMs = draw() * DAY_MS;
    this.incidentMs = draw() * lengthMs;
    this.incidentEndMs = this.incidentMs + draw() * INCIDENT_MS_MAX;
  }

  /** How many times as many errors there are at this time of the day, up to `DRIFT_MAX`. */
  drift(atMs: number): number {
    return 1 + (DRIFT_MAX - 1) * Math.sin((2 * Math.PI * (atMs + this.#phaseMs)) / DAY_MS);
  }
}

function addVisitors(bad: BadOutcome[], draw: Draw, clock: UglyClock, psi: number): void {
  const rates = Array.from({ length: VISITORS }, () => Math.exp(SPREAD * normal(draw)));
  const sum = rates.reduce((a, b) => a + b, 0);
  for (const [visitor, share] of rates.entries()) {
    const perMs = ((share / sum) * ERRORS_PER_MINUTE) / MINUTE_MS;
    const sound = { visitor, assignment: draw(), isByCanary: false };
    const add = (visitor: Failing, rate: number, fromMs: number, toMs: number) => {
      addErrors(bad, draw, clock, visitor, rate, fromMs, toMs);
    };
    add(sound, perMs, 0, clock.lengthMs);
    add(sound, perMs * INCIDENT_TIMES, clock.incidentMs, clock.incidentEndMs);
    add({ ...sound, isByCanary: true }, perMs * (psi - 1), 0, clock.lengthMs);
  }
}

type Failing = Pick<BadOutcome, "visitor" | "assignment" | "isByCanary">;

/** Adds the first errors of one visitor in a span of time, thinned by the drift. */
function addErrors(
  bad: BadOutcome[],
  draw: Draw,
  clock: UglyClock,
  visitor: Failing,
  perMs: number,
  fromMs: number,
  toMs: number,
): void {
  let atMs = fromMs;
  for (let errors = 0; perMs > 0 && errors < ERRORS_A_VISITOR_MAX; ) {
    atMs -= Math.log1p(-draw()) / (perMs * DRIFT_MAX);
    if (atMs > toMs) return;
    if (draw() * DRIFT_MAX >= clock.drift(atMs)) continue;
    errors++;
    bad.push({ ...visitor, atMs, isBrought: draw() < 0.8 });
  }
}

function addBots(bad: BadOutcome[], draw: Draw, lengthMs: number, psi: number): void {
  let atMs = 0;
  for (let bot = VISITORS; ; bot++) {
    atMs += (-Math.log1p(-draw()) / (BOTS_PER_MINUTE * psi)) * MINUTE_MS;
    if (atMs > lengthMs) return;
    const isByCanary = draw() > 1 / psi;
    bad.push({ atMs, visitor: bot, assignment: draw(), isBrought: false, isByCanary });
  }
}

function normal(draw: Draw): number {
  return Math.sqrt(-2 * Math.log1p(-draw())) * Math.cos(2 * Math.PI * draw());
}
