/**
 * A controller with many releases: its costs beside those of a daemon that only follows the same store at the
 * same time, and the waits of the visitors of both, in turns.
 */

import { move } from "../src/releases/machine.ts";
import { readRelease } from "../src/releases/read-release.ts";
import { releaseField } from "../src/releases/release-field.ts";
import { openStore } from "../src/stores/list.ts";
import type { RecordFields } from "../src/stores/store.ts";
import { planOf, START } from "../test/releases/world.ts";
import { compile } from "./line.ts";
import { millisecondsText as ms, startWith, visit } from "./many.ts";
import { processorMs, residentMb } from "./process-costs.ts";
import { limitRow, median, notMeasuredRow, type Row, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Engine, enginesOf, type RunningEngine } from "./stores/engines.ts";
import type { Program } from "./subject.ts";
import type { Stops } from "./ways.ts";

const APPLICATIONS = 1_000;
const RELEASES = 100;
const STORES = ["file", "redis", "postgres", "etcd", "nats", "mariadb"];

/** Visitors a second. */
const RATE = 10_000;

const PROCESSOR_PERCENT_AT_MOST = 3;
const MB_AT_MOST = 20;

/** A release waits for the whole time, as releases mostly do. */
const PLAN = "25%:1h,100%:1d";

/**
 * For a minute after its start, a controller reads the news of each release more often, and two minutes later
 * the collector has freed for the first time what a start leaves behind.
 */
const SETTLE_MS = { full: 180_000, quick: 30_000 } as const;
const REST_MS = { full: 60_000, quick: 20_000 } as const;
const SAMPLE_EVERY_MS = 1_000;
const VISITED_S = { full: 8, quick: 4 } as const;
/** In turns; a figure is the median. */
const VISITS = 5;
const WRITERS = 16;

export async function benchReleases(setup: Setup): Promise<Row[]> {
  const load = await compile("paced-load");
  const [program] = setup.programs;
  if (program === undefined) return [];
  const names = Array.from({ length: APPLICATIONS }, (_, index) => `app-${index}`);
  const rows: Row[] = [];
  const pairs: Pair[] = [];
  const stops: Stops = [];
  try {
    for (const engine of enginesOf(setup).filter(({ name }) => STORES.includes(name))) {
      const missing = engine.missing();
      if (missing === undefined) pairs.push(await startPair(engine, program, names, stops));
      else rows.push(notMeasuredRow(`releases, ${engine.name}`, missing));
    }
    // All of them wait at the same time, and are measured one after another.
    await Bun.sleep(SETTLE_MS[lengthOf(setup)]);
    for (const pair of pairs) rows.push(...(await rowsOf(pair, load, setup)));
    return rows;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Two daemons on one store, side by side, so that the machine has the same part in both. */
interface Pair {
  readonly name: string;
  readonly off: Measured;
  readonly on: Measured;
}

async function startPair(
  engine: Engine,
  program: Program,
  names: readonly string[],
  stops: Stops,
): Promise<Pair> {
  const running = await engine.start(stops);
  await fill(running, names);
  const start = async (flag: "off" | "on") => {
    const command = [...program.command, "-releases", flag];
    return new Measured(await startWith({ ...program, command }, running, names, stops));
  };
  return { name: engine.name, off: await start("off"), on: await start("on") };
}

const lengthOf = ({ turns }: Setup) => (turns > 3 ? "full" : "quick");

async function rowsOf({ name, off, on }: Pair, load: string, setup: Setup): Promise<Row[]> {
  const length = lengthOf(setup);
  await Promise.all([off.rest(REST_MS[length]), on.rest(REST_MS[length])]);
  for (let turn = 0; turn < VISITS; turn++)
    for (const each of turn % 2 === 0 ? [off, on] : [on, off])
      await each.visit(load, VISITED_S[length], APPLICATIONS);
  const what = `${RELEASES} releases in ${thousands(APPLICATIONS)} applications, ${name}`;
  const processor = Math.max(0, on.processorPercent - off.processorPercent);
  const beside = `of a core; ${on.processorPercent.toFixed(1)} % with -releases on`;
  const memory = Math.max(0, on.memoryMb - off.memoryMb);
  return [
    limitRow(`${what}: more processor`, processor, "%", beside, PROCESSOR_PERCENT_AT_MOST),
    limitRow(`${what}: more memory`, memory, "MB", `of ${on.memoryMb.toFixed(1)} MB`, MB_AT_MOST),
    // Beside the figure of -releases off, because the machine has its part in both.
    limitRow(`${what}: p99 of visitors`, on.p99 / 1_000, "ms", `${ms(off.p99)} with -releases off`),
  ];
}

class Measured {
  readonly #pid: number;
  readonly #socket: string;
  readonly #memoryMb: number[] = [];
  readonly #p99: number[] = [];
  processorPercent = 0;

  constructor({ daemon, socket }: Awaited<ReturnType<typeof startWith>>) {
    this.#pid = daemon.pid;
    this.#socket = socket;
  }

  /** Reads the costs while no client asks. The collector frees memory now and then, so memory is a median. */
  async rest(restMs: number): Promise<void> {
    const beganAtMs = performance.now();
    const before = processorMs(this.#pid);
    while (performance.now() - beganAtMs < restMs) {
      await Bun.sleep(SAMPLE_EVERY_MS);
      this.#memoryMb.push(residentMb(this.#pid));
    }
    this.processorPercent = (100 * (processorMs(this.#pid) - before)) / (performance.now() - beganAtMs);
  }

  async visit(load: string, seconds: number, applications: number): Promise<void> {
    this.#p99.push((await visit(load, this.#socket, seconds, RATE, applications)).p99);
  }

  get memoryMb(): number {
    return median(this.#memoryMb);
  }

  get p99(): number {
    return median(this.#p99);
  }
}

/** Gives each application its canary, and one in ten a release that is under way. */
async function fill(running: RunningEngine, names: readonly string[]): Promise<void> {
  const store = await openStore(running.operator ?? running.address, {
    ...{ table: "", region: "", environment: process.env, warn() {} },
  });
  await store.init?.(AbortSignal.timeout(10_000));
  const nowMs = (await store.clock?.(AbortSignal.timeout(10_000))) ?? Date.now();
  const waiting = names.entries();
  const write = async () => {
    for (const [index, name] of waiting) {
      const fields =
        index % (APPLICATIONS / RELEASES) === 0 ? releaseFields(index, nowMs) : { rollout: 0.25 };
      await store.write?.(name, "canary", fields, null, AbortSignal.timeout(10_000));
    }
  };
  await Promise.all(Array.from({ length: running.address.startsWith("file:") ? 1 : WRITERS }, write));
  await store.close();
}

function releaseFields(index: number, nowMs: number): RecordFields {
  const key = index.toString(16).padStart(24, "0");
  const now = {
    ...({ rollout: 0, offset: 0, failsafe: "master", isMalformed: false, plan: undefined } as const),
    ...{ otherVersion: undefined, found: readRelease(undefined) },
  };
  const start = { ...START, key, offset: 0, plan: planOf(PLAN) };
  const request = { verb: "release", start, replace: false, seenKey: null, reason: undefined } as const;
  const outcome = move(now, request, { nowMs, tx: key, author: "ada@web-1" });
  if (outcome.kind !== "write" || outcome.release === null) throw new Error(JSON.stringify(outcome));
  const { rollout, offset, release } = outcome;
  return { rollout, offset, release: releaseField(release) };
}
