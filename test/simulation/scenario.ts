/**
 * All that happens in a run: the fleet, the store, and all that people, machines and the network do, and
 * when. It is plain data, drawn from a seed. A shorter list of events is a scenario too, so that a failure
 * can be made smaller.
 */

import { Random } from "../support/random.ts";
import type { Abilities } from "./client.ts";
import type { MachineOptions } from "./daemon.ts";
import type { EngineOptions } from "./engine.ts";
import { FAIR, type Weather } from "./network.ts";
import type { PersonOptions, Words } from "./person.ts";
import type { Health } from "./receiver.ts";
import { type SiteOptions, siteOf } from "./visitors.ts";

export interface Scenario {
  readonly seed: number;
  readonly engine: EngineOptions;
  readonly abilities: Abilities;
  readonly delayMs: number;
  readonly unhealthyMs: number;
  readonly machines: readonly MachineOptions[];
  readonly people: readonly PersonOptions[];
  readonly events: readonly Happening[];
  /** Undefined if no visitors come. */
  readonly site: SiteOptions | undefined;
  /** Nothing goes wrong after this true time. */
  readonly quietAtMs: number;
}

/** Something that goes wrong for a time, or that a person does. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly kind: "type";
      readonly person: string;
      readonly words: Words;
      readonly version: string;
      readonly times: number;
    }
  | { readonly kind: "hand"; readonly version: string; readonly what: Hand }
  | {
      readonly kind: "kill";
      readonly machine: string;
      readonly forMs: number;
      readonly isWiped: boolean;
      readonly isGentle: boolean;
    }
  | { readonly kind: "stop"; readonly machine: string; readonly forMs: number; readonly isSuspended: boolean }
  | {
      readonly kind: "weather";
      readonly names: readonly string[];
      readonly weather: Weather;
      readonly forMs: number;
    }
  | { readonly kind: "failover"; readonly agoMs: number; readonly clockByMs: number }
  | { readonly kind: "restore"; readonly agoMs: number }
  | { readonly kind: "store clock"; readonly byMs: number }
  | { readonly kind: "wall clock"; readonly machine: string; readonly byMs: number }
  | { readonly kind: "disk"; readonly machine: string; readonly forMs: number }
  | { readonly kind: "verdict"; readonly machine: string; readonly reason: string }
  | { readonly kind: "receiver"; readonly health: Health; readonly forMs: number }
  | { readonly kind: "check"; readonly name: string; readonly isPassed: boolean }
);

/** A change with the tools of the engine. */
export type Hand =
  | { readonly kind: "rollout"; readonly rollout: unknown }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "failsafe"; readonly failsafe: string }
  | { readonly kind: "release"; readonly release: "gone" | "strange" | "malformed" }
  | { readonly kind: "remove" };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const PLANS = [
  ...["1%:10s,10%:20s,100%:30s", "1%:20s,5%:40s,25%:1m,100%:1m", "10%:5s,20%:5s,30%:5s,100%:10s"],
  ...["1%:1m30s,50%:2m,100%:1m", "5%:3m,100%:1m", "1%:10s,5%:30s+approve,100%:30s", "100%:20s"],
  ...["5%:20s,50%:20s+check(load),100%:20s", "1%:10s+ok<30s,50%:20s,100%:20s", "1%:15s,50%:10s+ok,100%"],
  ...["1%:5s,2%:5s,3%:5s,4%:5s,5%:5s,6%:5s,7%:5s,8%:5s,100%:5s", "2%,50%:10s,100%:10s"],
] as const;

const VISITED_PLANS = [
  ...["40%:20s+ok,50%:1m,100%:20s", "5%:20s,50%:30s+ok,60%:10s,100%:20s", "10%:2m,25%:3m,50%:1m,100%:20s"],
  ...["50%:20s+ok<7m,60%:20s,100%:30s", "1%:30s,20%:1m,50%:1m,100%:30s", "2%:1m,40%:30s+ok,45%:1m,100%:20s"],
] as const;

const VISITED_MACHINES_MAX = 4;

/** In the runs of the seeds above this one, visitors come and the judge hears of them. */
export const VISITED_FROM = 1_000_000;

export function scenarioOf(seed: number): Scenario {
  return seed > VISITED_FROM ? visited(unvisited(seed), new Random(seed)) : unvisited(seed);
}

/** The same with visitors, and plans for which they matter. A small fleet, because evidence is long. */
function visited(scenario: Scenario, random: Random): Scenario {
  const machines = scenario.machines.slice(0, VISITED_MACHINES_MAX);
  const isThere = (event: Happening) =>
    !("machine" in event) || machines.some(({ name }) => name === event.machine);
  const events = scenario.events
    .filter(isThere)
    .map((event) =>
      event.kind === "type" && event.words.verb === "release"
        ? { ...event, words: { ...event.words, plan: random.pick(VISITED_PLANS) } }
        : event,
    );
  return { ...scenario, machines, events, site: siteOf(random) };
}

function unvisited(seed: number): Scenario {
  const random = new Random(seed);
  const chance = (of: number) => random.fraction() < of;
  const count = random.pick([2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8, random.whole(9, 20), random.whole(2, 50)]);
  const hasEvidence = !chance(0.08);
  const leaders = hasEvidence ? random.whole(1, Math.min(count, random.pick([2, 3, 3, count]))) : 1;
  const wrongMs = () =>
    random.pick([0, 0, 0, 0, SECOND, -SECOND, 40 * SECOND, -90 * SECOND, 3 * HOUR, -5 * HOUR]);
  const machines = Array.from({ length: count }, (_, index) => ({
    ...{ name: `web-${index + 1}`, leads: index < leaders, wallSkewMs: wrongMs(), seed: random.bits() },
  }));
  const people = ["ada", "bob"].map((name) => ({ name, wallSkewMs: wrongMs(), seed: random.bits() }));
  const delayMs = random.pick([2, 4, 4, 10, 30]) * SECOND;
  const revisions = random.pick(["unique", "unique", "content", "count"] as const);
  const busyMs = random.pick([1, 2, 3, 5, 8]) * MINUTE;
  return {
    seed,
    engine: {
      ...{ hasClock: chance(0.6), hasPositions: revisions !== "content" && chance(0.7), revisions },
      clockSkewMs: random.pick([0, 0, 300, -700, 20 * SECOND, -2 * HOUR, 9 * HOUR]),
    },
    abilities: {
      ...{ hasReadMany: chance(0.7), hasWatch: chance(0.75), keepsHistory: chance(0.6), hasEvidence },
      omitsLogs: chance(0.5),
    },
    ...{ delayMs, unhealthyMs: Math.max(8 * SECOND, random.pick([2, 2, 3]) * delayMs), machines, people },
    ...{ events: eventsOf(random, machines, busyMs), quietAtMs: busyMs + 5 * SECOND, site: undefined },
  };
}

function eventsOf(random: Random, machines: readonly MachineOptions[], busyMs: number): Happening[] {
  const draw = new Draw(random, machines, busyMs);
  const events: Happening[] = [draw.start(random.whole(1, 5_000))];
  const count = random.pick([0, 1, 2, 3, 4, 6, 9, 14]);
  for (let index = 0; index < count; index++) events.push(...draw.trouble());
  const words = random.pick([0, 1, 1, 2, 3, 5, 8]);
  for (let index = 0; index < words; index++) events.push(...draw.words());
  events.push(...draw.elbows(events));
  return events.sort((a, b) => a.atMs - b.atMs);
}

/** Draws single events. */
class Draw {
  readonly #random: Random;
  readonly #machines: readonly MachineOptions[];
  readonly #busyMs: number;

  constructor(random: Random, machines: readonly MachineOptions[], busyMs: number) {
    this.#random = random;
    this.#machines = machines;
    this.#busyMs = busyMs;
  }

  start(atMs: number): Happening {
    const random = this.#random;
    const words: Words = {
      ...{ verb: "release", plan: random.pick(PLANS), replace: random.whole(0, 3) === 0 },
      inconclusive: random.pick(["pause", "abort"] as const),
      failsafe: random.pick([undefined, undefined, "hold"] as const),
      // The run begins at noon of a Monday in UTC, which is one o'clock in Berlin.
      windows: random.whole(0, 19) === 0 ? ["mon-thu 09:00-13:02 Europe/Berlin"] : undefined,
    };
    return { kind: "type", atMs, person: this.#person(), words, version: this.#version(), times: 4 };
  }

  /** One or two commands of people, at any time. Two may come at once. */
  words(): Happening[] {
    const random = this.#random;
    const atMs = this.#atMs();
    const one = this.#command(atMs);
    if (random.whole(0, 3) > 0) return [one];
    const other = this.#command(atMs + random.pick([0, 1, 3, 10, 500]));
    return [one, random.whole(0, 1) === 0 && one.kind === "type" ? { ...one, atMs: other.atMs } : other];
  }

  /**
   * Sometimes another program writes the record between the look and the write of a command, or the answer to
   * the write does not arrive.
   */
  elbows(events: readonly Happening[]): Happening[] {
    const random = this.#random;
    return events.flatMap((event): Happening[] => {
      if (event.kind !== "type" || random.whole(0, 3) > 0) return [];
      const { person, version } = event;
      const atMs = event.atMs + random.pick([1, 2, 4, 8]);
      if (random.whole(0, 1) === 0) {
        const weather = { ...FAIR, unanswered: 1 };
        return [{ kind: "weather", atMs, names: [person], weather, forMs: 20 }];
      }
      const failsafe = random.pick(["hold", "master"]);
      return [{ kind: "hand", atMs, version, what: { kind: "failsafe", failsafe } }];
    });
  }

  trouble(): Happening[] {
    const random = this.#random;
    const atMs = this.#atMs();
    const machine = random.pick(this.#machines).name;
    const forMs = this.#forMs();
    const byMs = random.pick([
      -HOUR,
      -20 * SECOND,
      2 * SECOND,
      4.5 * SECOND,
      7 * SECOND,
      30 * SECOND,
      3 * HOUR,
    ]);
    switch (random.whole(0, 18)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const isWiped = random.whole(0, 4) === 0;
        return [{ kind: "kill", atMs, machine, forMs, isWiped, isGentle: random.whole(0, 3) === 0 }];
      }
      case 4:
        return [{ kind: "stop", atMs, machine, forMs, isSuspended: random.whole(0, 1) === 0 }];
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        return [{ kind: "weather", atMs, names: this.#names(), weather: this.#weather(), forMs }];
      case 10: {
        const clockByMs = random.pick([0, 0, 800, -3 * SECOND, 6 * SECOND, -HOUR, 2 * HOUR]);
        return [{ kind: "failover", atMs, agoMs: this.#agoMs(), clockByMs }];
      }
      case 11:
        return [{ kind: "restore", atMs, agoMs: this.#agoMs() }];
      case 12:
        return [{ kind: "store clock", atMs, byMs }];
      case 13:
        return [{ kind: "wall clock", atMs, machine, byMs }];
      case 14:
        return [{ kind: "disk", atMs, machine, forMs }];
      case 15:
      case 16:
        return [{ kind: "receiver", atMs, health: random.pick(["gone", "deaf", "ill"] as const), forMs }];
      case 17:
        return this.#verdict(atMs, machine);
      default:
        return [{ kind: "hand", atMs, version: this.#version(), what: this.#hand() }];
    }
  }

  /** A verdict, and sometimes a machine that cannot write it and dies. */
  #verdict(atMs: number, machine: string): Happening[] {
    const random = this.#random;
    const verdict = { kind: "verdict", atMs, machine, reason: `harm ${random.whole(1, 9)}` } as const;
    if (random.whole(0, 1) === 0) return [verdict];
    const weather = { ...FAIR, cut: random.pick(["refused", "silent"] as const) };
    const dies = { kind: "kill", machine, forMs: 500, isWiped: false, isGentle: false } as const;
    return [
      { kind: "weather", atMs: Math.max(0, atMs - 50), names: [machine], weather, forMs: 20 * SECOND },
      verdict,
      { ...dies, atMs: atMs + 2_500 },
    ];
  }

  #command(atMs: number): Happening {
    const random = this.#random;
    const of = { kind: "type", atMs, person: this.#person(), version: this.#version(), times: 5 } as const;
    const promote = {
      verb: "promote",
      expectStep: random.pick([undefined, undefined, 1, 2, 3]),
      to: random.pick([undefined, undefined, undefined, 0.1, 0.5]),
      resume: random.whole(0, 2) === 0,
    } as const;
    const overMs = random.pick([0, 0, 20 * SECOND, 2 * MINUTE]);
    const words = random.pick<Words | "hand" | "start" | "check">([
      ...([promote, promote, promote, { verb: "pause" }, { verb: "pause" }] as const),
      ...([
        { verb: "resume" },
        { verb: "resume" },
        { verb: "resume" },
        { verb: "abort" },
        { verb: "abort" },
      ] as const),
      ...([
        { verb: "undo", overMs },
        { verb: "finish", overMs },
        { verb: "finish", overMs },
      ] as const),
      ...([
        { verb: "set", rollout: 0 },
        { verb: "set", rollout: random.pick([0.01, 0.03, 0.2]) },
      ] as const),
      ...([{ verb: "freeze" }, { verb: "unfreeze" }, { verb: "unfreeze" }] as const),
      ...(["hand", "hand", "start", "start", "check"] as const),
    ]);
    if (words === "start") return this.start(atMs);
    if (words === "hand") return { kind: "hand", atMs, version: of.version, what: this.#hand() };
    if (words === "check") return { kind: "check", atMs, name: "load", isPassed: random.whole(0, 1) === 0 };
    return { ...of, words };
  }

  #hand(): Hand {
    const random = this.#random;
    return random.pick<Hand>([
      { kind: "rollout", rollout: 0 },
      { kind: "rollout", rollout: 0 },
      { kind: "rollout", rollout: random.pick([0.01, 0.05, 0.1, 0.5, 1]) },
      { kind: "rollout", rollout: random.pick([0.03, 0.3, 0.7]) },
      { kind: "rollout", rollout: "oops" },
      { kind: "offset", offset: random.whole(0, 999) / 1_000 },
      { kind: "failsafe", failsafe: random.pick(["hold", "master"]) },
      { kind: "release", release: random.pick(["gone", "strange", "malformed"] as const) },
      { kind: "remove" },
    ]);
  }

  #weather(): Weather {
    const random = this.#random;
    const rate = () => random.pick([0, 0, 0.05, 0.2, 0.5]);
    return random.pick<Weather>([
      { ...FAIR, cut: "refused" },
      { ...FAIR, cut: "silent" },
      { ...FAIR, unnudged: 1 },
      { ...FAIR, late: 1, lateMsMax: random.pick([200, 3_000]) },
      { ...FAIR, unanswered: 0.5 },
      { ...FAIR, isDenied: true },
      { ...FAIR, lagMs: random.pick([3, 15, 60]) * SECOND },
      {
        ...{ cut: undefined, lost: rate(), unanswered: rate(), doubled: rate(), late: rate() },
        ...{ lateMsMax: random.pick([1_000, 5_000, 20_000]), unnudged: rate(), isDenied: false, lagMs: 0 },
      },
    ]);
  }

  /** The machines that one trouble meets; people use the network of the world. */
  #names(): readonly string[] {
    const random = this.#random;
    const all = [...this.#machines.map(({ name }) => name), "ada", "bob"];
    if (random.whole(0, 3) === 0) return all;
    const rate = random.pick([0.2, 0.5]);
    return all.filter(() => random.fraction() < rate);
  }

  #atMs(): number {
    return Math.floor(this.#random.fraction() * this.#busyMs);
  }

  #forMs(): number {
    return Math.floor(
      this.#random.pick([500, 5 * SECOND, 20 * SECOND, MINUTE, 2 * MINUTE]) * (0.5 + this.#random.fraction()),
    );
  }

  #agoMs(): number {
    return Math.floor(
      this.#random.pick([200, 2 * SECOND, 20 * SECOND, 2 * MINUTE]) * (0.2 + this.#random.fraction()),
    );
  }

  #person(): string {
    return this.#random.pick(["ada", "bob"]);
  }

  #version(): string {
    return this.#random.whole(0, 9) === 0 ? "blue" : "canary";
  }
}
