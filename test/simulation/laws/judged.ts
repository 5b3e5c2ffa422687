/** The laws of a judged release: harm is found in time, and each daemon that judges has each coin once. */

import { eachCoin } from "../../../src/evidence/hearing.ts";
import { newsIn } from "../../../src/evidence/news-lines.ts";
import { Timeline } from "../../../src/evidence/timeline.ts";
import { isUnderWay, type Release } from "../../../src/releases/release.ts";
import { nowIn } from "../../../src/verbs/look.ts";
import type { Simulation } from "../simulation.ts";
import { type Fault, seconds } from "./history.ts";

/** A canary that fails for each of its visitors is found in this time, beside the delay of the feeds. */
const CAUGHT_MS = 90_000;

/** News reaches the others in this time. */
const NEWS_MS = 20_000;

const VERSION = "canary";

/** While nothing goes wrong, a bad canary is taken back within a bound. Call it every second or so. */
export function caughtFault(simulation: Simulation): Fault {
  const { visitors, scenario, scheduler, engine, machines, application, delayMs, abilities } = simulation;
  // Without evidence, a daemon judges by its own visitors alone, and they may be few.
  if (visitors?.options.isBad !== true || !abilities.hasEvidence) return undefined;
  if (!machines.some(({ options, life }) => options.leads && life !== undefined)) return undefined;
  const lastMs = Math.max(scenario.quietAtMs, engine.commits.at(-1)?.atMs ?? 0);
  const lateMs = scheduler.nowMs - lastMs;
  if (lateMs < CAUGHT_MS + 2 * delayMs) return undefined;
  const now = judgedIn(simulation);
  return now === undefined
    ? undefined
    : ["caught", `${application} still has ${now.rollout} on a bad canary after ${seconds(lateMs)}`];
}

/** Each daemon that judges has the coins of all daemons that live, each once, and no others. */
export function coinsFault(simulation: Simulation): Fault {
  const { visitors, scenario, scheduler, machines, application } = simulation;
  const now = judgedIn(simulation);
  // The store loses news if it goes back.
  const isLossy = scenario.events.some(({ kind }) => kind === "failover");
  if (visitors === undefined || now === undefined || isLossy) return undefined;
  const target = { application, version: VERSION };
  const isSettled = (cell: number) => (visitors.hurt.get(cell) ?? 0) <= scheduler.nowMs - NEWS_MS;
  const all = new Set<number>();
  const judges: (readonly [name: string, cells: readonly number[]])[] = [];
  for (const { name, life, options } of machines) {
    const account = life?.hearings?.of(target, now.key)?.account() ?? [];
    const segments = account.find((metric) => metric.name === "errors")?.segments ?? [];
    const cells = segments.flatMap(({ canaryCells, masterCells }) => [...canaryCells, ...masterCells]);
    const coins = segments.reduce((sum, { canary, master }) => sum + canary + master, 0);
    if (coins !== cells.length || coins !== new Set(cells).size) {
      return ["coins", `${name} counts ${coins} coins of ${new Set(cells).size} visitors`];
    }
    const strange = cells.find((cell) => !visitors.hurt.has(cell));
    if (strange !== undefined) return ["coins", `${name} has a coin of ${strange}, who met no error`];
    for (const cell of cells) if (isSettled(cell)) all.add(cell);
    if (options.leads && simulation.abilities.hasEvidence) judges.push([name, cells]);
  }
  simulation.count("coins compared", all.size * judges.length);
  for (const [name, cells] of judges) {
    const own = new Set(cells);
    const lacking = [...all].filter((cell) => !own.has(cell));
    const times = lacking.length === 0 ? new Map<number, number>() : toldTimes(simulation, now);
    const timeline = new Timeline(now.arcs);
    const missing = lacking.filter((cell) => {
      const time = times.get(cell);
      return time === undefined || timeline.countedStepAt(time) >= 0;
    });
    if (missing.length > 0) return ["coins", `${name} lacks ${missing.length} of ${all.size} coins`];
  }
  return undefined;
}

/**
 * The earliest time of each coin in the news of all daemons, in milliseconds since the release's first arc.
 *
 * A visitor whose first error lies in the grace of a step counts nowhere. The clock of a later arc's writer
 * may be behind, so that a coin from before lies in the grace of that arc. The daemons that judge know this.
 * A daemon that only reports forgets its coins if the release was gone from its readings for a moment. Then
 * it counts a later error of the same visitor.
 */
function toldTimes({ engine, application }: Simulation, { key, arcs }: Judged): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  const { batches } = engine.readEvidence({ application, key }, undefined, Number.POSITIVE_INFINITY);
  for (const news of newsIn(batches)) {
    if (news.kind !== "coins" || news.of !== "errors") continue;
    const shift = news.since - (arcs[0]?.[0] ?? 0);
    eachCoin(news.coins, (cell, time) => {
      times.set(cell, Math.min(time + shift, times.get(cell) ?? Number.POSITIVE_INFINITY));
    });
  }
  return times;
}

interface Judged {
  readonly key: string;
  readonly rollout: number;
  readonly arcs: Release["arcs"];
}

/** The release that is judged now. */
function judgedIn({ engine, application }: Simulation): Judged | undefined {
  const { found, rollout, isMalformed, otherVersion } = nowIn(engine.snapshot(application), VERSION);
  if (found.kind !== "release" || isMalformed || otherVersion !== undefined) return undefined;
  if (!isUnderWay(found.release) || rollout <= 0 || rollout >= 1) return undefined;
  return { key: found.release.key, rollout, arcs: found.release.arcs };
}
