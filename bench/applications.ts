/**
 * Many applications in one daemon: the waits of their visitors, and the daemon's costs. Visitors come at a
 * steady rate, each to the next application (`paced-load.c`), while the daemon reads its store as usual. The
 * row of one application shows the part of the machine and the load.
 */

import { writeFileSync } from "node:fs";
import { openStore } from "../src/stores/list.ts";
import { compile } from "./line.ts";
import { isSaved, millisecondsText as ms, startWith, type Visited, visit } from "./many.ts";
import { processorMs, residentMb } from "./process-costs.ts";
import { limitRow, notMeasuredRow, type Row, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { stateRow } from "./state.ts";
import { type Engine, enginesOf, type RunningEngine } from "./stores/engines.ts";
import type { Program } from "./subject.ts";
import type { Stops } from "./ways.ts";

/** For the file. The other stores are measured with the largest number only. */
const COUNTS = [1, 100, 1_000, 10_000] as const;
const MOST = 10_000;

/** Visitors a second. */
const RATE = 10_000;

/** The bounds for ten thousand applications. */
const P99_MS_AT_MOST = 1;
const MB_AT_MOST = 400;
const PROCESSOR_PERCENT_AT_MOST = 15;
const READY_MS_AT_MOST = 5_000;
const ENDED_MS_AT_MOST = 3_000;

/** The canary of each application: a quarter of the circle, with all visitors of the load in it. */
const ROLLOUT = 0.25;

/** Long enough for several reads of the store, which come every 4 s. */
const VISITED_S = { full: 20, quick: 6 } as const;
const REST_MS = { full: 20_000, quick: 8_000 } as const;

/** Writers that fill a store at once. */
const WRITERS = 32;

interface Measured extends Visited {
  readonly memoryMb: number;
  readonly processorPercent: number;
  readonly readyMs: number;
  readonly endedMs: number;
  /** Decisions that the daemon counted under the right application. */
  readonly counted: number;
}

export async function benchApplications(setup: Setup): Promise<Row[]> {
  const load = await compile("paced-load");
  const rows: Row[] = [];
  for (const program of setup.programs.slice(0, 1)) {
    for (const engine of enginesOf(setup).filter(({ name }) =>
      ["file", "redis", "postgres", "etcd", "nats", "mariadb"].includes(name),
    )) {
      const missing = engine.missing();
      if (missing !== undefined) rows.push(notMeasuredRow(`applications, ${engine.name}`, missing));
      else {
        for (const count of engine.name === "file" ? COUNTS : [MOST]) {
          rows.push(...rowsOf(engine, count, await measure(engine, count, program, load, setup)));
        }
      }
    }
    rows.push(await stateRow(program, load, setup));
  }
  return rows;
}

function rowsOf(engine: Engine, count: number, measured: Measured): Row[] {
  const what = `${thousands(count)} application${count === 1 ? "" : "s"}, ${engine.name}`;
  const { asked, answered, canaries, lost, p50, p99, slowest, counted, ...costs } = measured;
  const isMost = count === MOST;
  const waited = `median ${ms(p50)}, slowest ${ms(slowest)}; ${thousands(RATE)} a second`;
  const visitors = limitRow(
    `${what}: p99 of visitors`,
    p99 / 1_000,
    "ms",
    waited,
    isMost ? P99_MS_AT_MOST : undefined,
  );
  const isWhole = answered === asked && canaries === asked && counted === asked && lost === 0;
  const memory = limitRow(
    `${what}: memory`,
    costs.memoryMb,
    "MB",
    "after the visitors",
    isMost ? MB_AT_MOST : undefined,
  );
  if (!isMost) return [visitors, memory];
  return [
    visitors,
    {
      what: `${what}: decisions counted under their own names`,
      figure: `${thousands(counted)} of ${thousands(asked)}; ${thousands(canaries)} at the canary, as ordered`,
      bound: "all",
      verdict: isWhole ? "ok" : "MISSED",
    },
    memory,
    limitRow(
      `${what}: processor at rest`,
      costs.processorPercent,
      "%",
      "of a core",
      PROCESSOR_PERCENT_AT_MOST,
    ),
    limitRow(`${what}: ready after`, costs.readyMs, "ms", "from the start of the process", READY_MS_AT_MOST),
    limitRow(`${what}: ended after`, costs.endedMs, "ms", "from SIGTERM", ENDED_MS_AT_MOST),
  ];
}

async function measure(
  engine: Engine,
  count: number,
  program: Program,
  load: string,
  setup: Setup,
): Promise<Measured> {
  const stops: Stops = [];
  const length = setup.turns > 3 ? "full" : "quick";
  const names = Array.from({ length: count }, (_, index) => `app-${index}`);
  try {
    const running = await engine.start(stops);
    await fill(running, names);
    const { daemon, socket, stateDirectory, readyMs } = await startWith(program, running, names, stops);
    await isSaved(stateDirectory, count);
    const beganAtMs = performance.now();
    const before = processorMs(daemon.pid);
    await Bun.sleep(REST_MS[length]);
    const processorPercent = (100 * (processorMs(daemon.pid) - before)) / (performance.now() - beganAtMs);
    const visited = await visit(load, socket, VISITED_S[length], RATE, count);
    const memoryMb = residentMb(daemon.pid);
    const state = await daemon.state();
    const decisions = state.applications.flatMap((application) => application.decisions);
    const counted = decisions.reduce(
      (sum, { location, count: each }) => sum + (location === "canary" ? each : 0),
      0,
    );
    const endsAtMs = performance.now();
    const status = await daemon.end();
    if (status !== 0) throw new Error(`the daemon ended with status ${status}:\n${daemon.log}`);
    const endedMs = performance.now() - endsAtMs;
    setup.say(`${thousands(count)} applications, ${engine.name}: p99 ${ms(visited.p99)}`);
    return { ...visited, memoryMb, processorPercent, readyMs, endedMs, counted };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Gives each application its canary. */
async function fill(running: RunningEngine, names: readonly string[]): Promise<void> {
  if (running.address.startsWith("file:")) {
    const records = Object.fromEntries(names.map((name) => [name, { canary: ROLLOUT }]));
    writeFileSync(running.address.slice("file:".length), JSON.stringify(records));
    return;
  }
  const store = await openStore(running.operator ?? running.address, {
    table: "",
    region: "",
    environment: process.env,
    warn() {},
  });
  await store.init?.(AbortSignal.timeout(10_000));
  const waiting = names[Symbol.iterator]();
  const write = async () => {
    for (const name of waiting) {
      await store.write?.(name, "canary", { rollout: ROLLOUT }, null, AbortSignal.timeout(10_000));
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  await store.close();
}
