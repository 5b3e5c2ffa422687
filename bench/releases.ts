/**
 * A controller with many releases: its costs beside those of a daemon that only follows the same store, and
 * the waits of its visitors. Each turn starts both daemons on the same records.
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
import { limitRow, notMeasuredRow, type Row, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { ENGINES, type Engine, type RunningEngine } from "./stores/engines.ts";
import type { Program } from "./subject.ts";
import type { Stops } from "./ways.ts";

const APPLICATIONS = 1_000;
const RELEASES = 100;

/** Visitors a second. */
const RATE = 10_000;

const PROCESSOR_PERCENT_AT_MOST = 3;
const MB_AT_MOST = 20;

/** A release waits for the whole time, as releases mostly do. */
const PLAN = "25%:1h,100%:1d";

/** For a while after its start, a controller reads the news of each release more often. */
const SETTLE_MS = 30_000;
const REST_MS = { full: 60_000, quick: 20_000 } as const;
const VISITED_S = { full: 20, quick: 6 } as const;
const WRITERS = 16;

interface Costs {
  readonly processorPercent: number;
  readonly memoryMb: number;
  readonly p99: number;
}

export async function benchReleases(setup: Setup): Promise<Row[]> {
  const load = await compile("paced-load");
  const rows: Row[] = [];
  for (const program of setup.programs.slice(0, 1)) {
    for (const engine of ENGINES.filter(({ name }) => ["file", "redis", "postgres", "etcd"].includes(name))) {
      const missing = engine.missing();
      if (missing !== undefined) rows.push(notMeasuredRow(`releases, ${engine.name}`, missing));
      else rows.push(...(await rowsOf(engine, program, load, setup)));
    }
  }
  return rows;
}

async function rowsOf(engine: Engine, program: Program, load: string, setup: Setup): Promise<Row[]> {
  const stops: Stops = [];
  const names = Array.from({ length: APPLICATIONS }, (_, index) => `app-${index}`);
  try {
    const running = await engine.start(stops);
    await fill(running, names);
    const off = await measure(["-releases", "off"], running, names, { program, load, setup });
    const on = await measure(["-releases", "on"], running, names, { program, load, setup });
    const what = `${RELEASES} releases in ${thousands(APPLICATIONS)} applications, ${engine.name}`;
    const processor = on.processorPercent - off.processorPercent;
    const memory = on.memoryMb - off.memoryMb;
    const beside = `of a core; ${on.processorPercent.toFixed(1)} % with -releases on`;
    return [
      limitRow(`${what}: more processor`, Math.max(0, processor), "%", beside, PROCESSOR_PERCENT_AT_MOST),
      limitRow(
        `${what}: more memory`,
        Math.max(0, memory),
        "MB",
        `of ${on.memoryMb.toFixed(1)} MB`,
        MB_AT_MOST,
      ),
      // Beside the row of -releases off, because the machine has its part in both.
      limitRow(`${what}: p99 of visitors`, on.p99 / 1_000, "ms", `${ms(off.p99)} with -releases off`),
    ];
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function measure(
  flags: readonly string[],
  running: RunningEngine,
  names: readonly string[],
  { program, load, setup }: { readonly program: Program; readonly load: string; readonly setup: Setup },
): Promise<Costs> {
  const length = setup.turns > 3 ? "full" : "quick";
  const { command, ...rest } = program;
  const stops: Stops = [];
  try {
    const { daemon, socket } = await startWith(
      { ...rest, command: [...command, ...flags] },
      running,
      names,
      stops,
    );
    await Bun.sleep(SETTLE_MS);
    const beganAtMs = performance.now();
    const before = processorMs(daemon.pid);
    await Bun.sleep(REST_MS[length]);
    const processorPercent = (100 * (processorMs(daemon.pid) - before)) / (performance.now() - beganAtMs);
    const { p99 } = await visit(load, socket, VISITED_S[length], RATE, names.length);
    const memoryMb = residentMb(daemon.pid);
    setup.say(
      `${flags.join(" ")}, ${running.address}: ${processorPercent.toFixed(2)} %, ${memoryMb.toFixed(1)} MB`,
    );
    await daemon.end();
    return { processorPercent, memoryMb, p99 };
  } finally {
    for (const stop of stops.reverse()) await stop();
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
