/**
 * A fleet of controllers under random faults: receivers that fail, hang or take a notice and lose the answer,
 * evidence that fails, and daemons that die at any moment. Time is simulated, and each run has a seed.
 */

import { expect, test } from "bun:test";
import { Metrics } from "../../src/metrics.ts";
import type { Transport } from "../../src/notices/attempt.ts";
import { notify } from "../../src/notices/options.ts";
import { NoticeSender } from "../../src/notices/sender.ts";
import { ToldLog } from "../../src/notices/told-log.ts";
import { Placements } from "../../src/placement.ts";
import type { Release, Transition } from "../../src/releases/release.ts";
import type { Evidence } from "../../src/stores/evidence.ts";
import { BEGAN_MS, releaseOf } from "../releases/world.ts";
import { KeptLog } from "../support/logged.ts";
import { Random } from "../support/random.ts";
import { settle } from "../support/time.ts";
import { HandTimers } from "./hand-timers.ts";

const RUNS = Number(process.env["RUNS"] ?? 150);
const TRANSITIONS = 8;
const NAMES = ["web-1", "web-2", "web-3"];
const URLS = ["slack+https://a.example/x", "slack+https://b.example/x"];
const MINUTE_MS = 60_000;
const NEVER = new Promise<never>(() => {});

/** A process: when it is dead, none of its calls has an effect. */
interface Process {
  isDead: boolean;
  readonly sender: NoticeSender;
}

class Fleet {
  readonly random: Random;
  readonly timers = new HandTimers(settle);
  readonly processes = new Map<string, Process>();
  /** How often each address got each notice: `https://a.example/x KEY-1`. */
  readonly got = new Map<string, number>();
  readonly #batches: string[] = [];
  readonly #faults: number;
  #log: Transition[] = [];

  /** @param faults the part of all calls that fail, in [0, 1] */
  constructor(random: Random, faults: number) {
    this.random = random;
    this.#faults = faults;
    for (const name of NAMES) this.start(name);
  }

  isHealed = false;

  get release(): Release {
    const [seq, atMs, state, step, rollout] = this.#log.at(-1) as Transition;
    const first = this.#log[0] as Transition;
    return releaseOf({
      ...{ seq, state, step, wrote: [rollout, 0.25], log: this.#log, since: new Date(atMs).toISOString() },
      arcs: [[first[1], first[4], 0.25]],
    });
  }

  transit(): void {
    const seq = this.#log.length + 1;
    const by = this.random.pick([...NAMES, "ada@web-9"]);
    const rollout = seq / 100;
    this.#log = [...this.#log, [seq, BEGAN_MS + this.timers.nowMs, "running", seq, rollout, by]];
  }

  start(name: string): void {
    const destinations = notify.parse(URLS);
    if (!Array.isArray(destinations)) throw new Error("a wrong address");
    const log = new KeptLog();
    const process: Process = {
      isDead: false,
      sender: new NoticeSender({
        ...{ destinations, keys: [], own: name, log, timers: this.timers },
        ...{ metrics: new Metrics(new Placements([])), random: () => this.random.fraction() },
        clock: () => this.timers.nowMs,
        now: () => BEGAN_MS + this.timers.nowMs,
        transport: (url, init) => this.#receive(process, url, init),
        told: new ToldLog({ evidence: this.#evidenceOf(() => process), timers: this.timers, log }),
        reread: async () => this.release,
      }),
    };
    this.processes.set(name, process);
  }

  kill(name: string): void {
    const process = this.processes.get(name);
    if (process !== undefined) process.isDead = true;
    this.processes.delete(name);
  }

  look(): void {
    const leaders = [...this.processes.keys()];
    for (const { sender } of this.processes.values()) {
      sender.look({
        application: "website",
        version: "canary",
        release: this.release,
        leaders: () => leaders,
      });
    }
  }

  #fails(): boolean {
    return !this.isHealed && this.random.fraction() < this.#faults;
  }

  #receive(process: Process, url: string, init: Parameters<Transport>[1]): Promise<Response> {
    if (process.isDead) return NEVER;
    const fault = this.#fails()
      ? this.random.pick(["refused", "hangs", "500", "429", "lost answer"])
      : "none";
    if (fault === "hangs") return NEVER;
    if (fault === "refused") return Promise.reject(new Error("refused"));
    if (fault === "500" || fault === "429") {
      return Promise.resolve(new Response("", { status: Number(fault), headers: { "retry-after": "7" } }));
    }
    const [section] = JSON.parse(String(init.body)).blocks;
    const [, step = ""] = /step (\d+)/.exec(section.text.text) ?? [];
    const name = `${url} ${step}`;
    this.got.set(name, (this.got.get(name) ?? 0) + 1);
    return fault === "none" ? Promise.resolve(new Response("ok")) : Promise.reject(new Error("reset"));
  }

  #evidenceOf(process: () => Process): Evidence {
    const call = async () => {
      if (process().isDead) await NEVER;
      if (!this.#fails()) return;
      if (this.random.whole(0, 1) === 0) await NEVER;
      throw new Error("away");
    };
    return {
      append: async (_at, batches) => {
        await call();
        this.#batches.push(...batches);
        if (this.#fails()) throw new Error("the answer is lost");
      },
      read: async (_at, cursor) => {
        await call();
        const begin = Number(cursor ?? 0);
        return { batches: this.#batches.slice(begin), cursor: String(this.#batches.length), hasMore: false };
      },
    };
  }
}

/** Lets a release go through its transitions, with daemons that die and start again. */
async function run(fleet: Fleet, kills: boolean): Promise<void> {
  const { random, timers } = fleet;
  for (let at = 1; at <= TRANSITIONS; at++) {
    fleet.transit();
    const looks = random.whole(1, 12);
    for (let look = 0; look < looks; look++) {
      if (kills && random.whole(0, 3) === 0) {
        const name = random.pick(NAMES);
        if (fleet.processes.has(name)) fleet.kill(name);
        else fleet.start(name);
      }
      fleet.look();
      await timers.pass(random.whole(1, 5_000));
    }
  }
  fleet.isHealed = true;
  for (const name of NAMES) if (!fleet.processes.has(name)) fleet.start(name);
  for (let look = 0; look < 30; look++) {
    fleet.look();
    await timers.pass(MINUTE_MS);
  }
}

const EXPECTED = URLS.flatMap((url) =>
  Array.from({ length: TRANSITIONS }, (_, at) => `${url.replace("slack+", "")} ${at + 1}`),
).sort();

async function property(name: string, faults: number, kills: boolean, check: (fleet: Fleet) => void) {
  const random = new Random();
  for (let at = 0; at < RUNS; at++) {
    const fleet = new Fleet(random, faults);
    try {
      await run(fleet, kills);
      check(fleet);
    } catch (error) {
      throw new Error(`${name}, run ${at} of SEED=${random.seed}: ${error}`, { cause: error });
    }
  }
}

/** The part of all notices that came more often than once. */
async function doubles(name: string, faults: number, kills: boolean): Promise<number> {
  let extra = 0;
  await property(name, faults, kills, ({ got }) => {
    expect([...got.keys()].sort()).toEqual(EXPECTED);
    for (const count of got.values()) extra += count - 1;
  });
  return extra / (RUNS * EXPECTED.length);
}

test(`without faults, each address gets each notice, and hardly one twice, in ${RUNS} runs`, async () => {
  // If two transitions come within seconds, the second writer tells both, so that they keep their order.
  expect(await doubles("no faults", 0, false)).toBeLessThan(0.05);
}, 60_000);

test(`whatever fails or dies, each address gets each notice, in ${RUNS} runs`, async () => {
  // A lost answer or a lost mark is told again.
  expect(await doubles("faults", 0.3, true)).toBeLessThan(0.75);
}, 120_000);
