/**
 * The visitors of a simulated site: they are served by the daemons' tables, and some meet errors. Each daemon
 * hears of those that its proxy served. Some come once, some come again, and some fail at each request.
 */

import { emptyOutcome, type Outcome } from "../../src/intake/outcome.ts";
import { cellOf } from "../../src/judge/cell.ts";
import { Random } from "../support/random.ts";
import type { Machine } from "./daemon.ts";
import type { Simulation } from "./simulation.ts";

export interface SiteOptions {
  readonly seed: number;
  /** Requests a second, of all machines together. */
  readonly perSecond: number;
  /** The part of requests that fail, whatever serves them. */
  readonly errorShare: number;
  /** This many visitors fail at each request. */
  readonly sufferers: number;
  /** For a minute or so, this part of all requests fails. */
  readonly incidentAtMs: number;
  readonly incidentShare: number;
  /** The canary fails for each of its visitors. */
  readonly isBad: boolean;
}

const EVERY_MS = 1_000;
const INCIDENT_MS = 60_000;

/** This many visitors come again and again. */
const REGULARS = 300;

export function siteOf(random: Random): SiteOptions {
  return {
    seed: random.bits(),
    perSecond: random.pick([10, 15]),
    errorShare: random.pick([0, 0, 0.002, 0.01]),
    sufferers: random.pick([0, 0, 5, 30]),
    incidentAtMs: random.whole(0, 600_000),
    incidentShare: random.pick([0, 0, 0.3]),
    isBad: random.whole(0, 2) === 0,
  };
}

export class Visitors {
  readonly options: SiteOptions;
  /** The cells that met an error of which a daemon heard, and when that was last. */
  readonly hurt = new Map<number, number>();
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #regulars: readonly number[];
  readonly #heard: { readonly atMs: number; readonly cell: number }[] = [];
  /** The daemon's doors reuse one object too. */
  readonly #outcome: { -readonly [name in keyof Outcome]: Outcome[name] } = emptyOutcome();

  constructor(simulation: Simulation, options: SiteOptions) {
    this.#simulation = simulation;
    this.options = options;
    this.#random = new Random(options.seed);
    this.#regulars = Array.from({ length: REGULARS }, () => this.#random.fraction());
  }

  come(): void {
    const { machines, scheduler } = this.#simulation;
    const up = machines.filter(({ life }) => life?.process.isStopped === false);
    for (let request = 0; request < this.options.perSecond && up.length > 0; request++) {
      this.#visit(this.#random.pick(up));
    }
    scheduler.after(EVERY_MS, () => this.come());
  }

  /** How many different visitors were heard since a true time. */
  since(ms: number): number {
    return new Set(this.#heard.filter(({ atMs }) => atMs >= ms).map(({ cell }) => cell)).size;
  }

  #visit({ life }: Machine): void {
    if (life?.hearings === undefined) return;
    const { application, scheduler } = this.#simulation;
    const random = this.#random;
    const regular = random.whole(0, 2) === 0 ? random.whole(0, REGULARS - 1) : undefined;
    const assignment = regular === undefined ? random.fraction() : (this.#regulars[regular] ?? 0);
    const location = life.rollout.table(application)?.locate(assignment, life.process.clock()).location;
    const fails = this.#fails(regular, location);
    const cell = cellOf(assignment);
    this.#heard.push({ atMs: scheduler.nowMs, cell });
    if (fails) this.hurt.set(cell, scheduler.nowMs);
    Object.assign(this.#outcome, {
      ...{ application, location: location ?? "master", assignment, kind: "answered" },
      ...{
        status: fails ? 500 : 200,
        durationMs: 20,
        isBrought: regular !== undefined || random.whole(0, 3) > 0,
      },
    });
    life.hearings.take(this.#outcome);
  }

  #fails(regular: number | undefined, location: string | undefined): boolean {
    const { errorShare, sufferers, incidentAtMs, incidentShare, isBad } = this.options;
    const sinceMs = this.#simulation.scheduler.nowMs - incidentAtMs;
    const share = sinceMs >= 0 && sinceMs < INCIDENT_MS ? errorShare + incidentShare : errorShare;
    const isUnlucky = this.#random.fraction() < share;
    return isUnlucky || (regular ?? REGULARS) < sufferers || (isBad && location === "canary");
  }
}
