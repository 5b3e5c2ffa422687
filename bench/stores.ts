/**
 * The time of a rollback, which matters most: from an operator's write to the last answer `canary` of any
 * daemon. One daemon, and fifty on the machine, follow each kind of store on its real server. If the store
 * pushes, also the abort of a release that one daemon leads. Also the cost of a fleet to a store: reads and
 * bytes of fifty daemons at rest, scaled to a thousand.
 */

import { DaemonHome, type DaemonProcess } from "../test/support/daemon-process.ts";
import { eventually } from "../test/support/eventually.ts";
import { median, notMeasuredRow, type Row } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Engine, enginesOf, type RunningEngine } from "./stores/engines.ts";
import { byRelease, byRollout, type Operator, openFor } from "./stores/operator.ts";
import { Visitor } from "./stores/visitor.ts";
import type { Stops } from "./ways.ts";

const APPLICATION = "website";
const DAEMONS = 50;
const FLEET = 1_000;

/** The time between polls: the daemon's default. */
const DELAY_MS = 4_000;

/** The time of a poll, on top of the delay. */
const READ_MS_MAX = 1_000;

/** The bound for stores that push changes. */
const PUSH_P99_MS_MAX = 100;

/** A rollback takes seconds if the store is polled, and all take nearly the same time. */
const ROLLBACKS = { full: { push: 100, poll: 5 }, quick: { push: 5, poll: 3 } } as const;

/** The pause between two writes: work after a change, such as saving it, is over by then. */
const SETTLE_MS = 200;

/** The time in which the cost of a fleet at rest is measured: several times the delay. */
const REST_MS = { full: 20_000, quick: 4_000 } as const;

/** Each daemon is a process, so only a few start at once. */
const STARTED_AT_ONCE = 5;

export async function benchStores(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  for (const engine of enginesOf(setup)) {
    const missing = engine.missing();
    if (missing === undefined) rows.push(...(await measure(engine, setup)));
    else rows.push(notMeasuredRow(`store ${engine.name}`, missing));
  }
  return rows;
}

async function measure(engine: Engine, setup: Setup): Promise<Row[]> {
  const stops: Stops = [];
  const length = setup.turns > 3 ? "full" : "quick";
  try {
    const running = await engine.start(stops);
    const store = await openFor(running, stops);
    const count = ROLLBACKS[length][engine.isPush || engine.lookEveryMs !== undefined ? "push" : "poll"];
    const byAbort = engine.isPush ? [await abortRow(engine, running, byRelease(store), count)] : [];
    const person = byRollout(store);
    await person.raise();
    const alone = await startFleet(running, 1, [], stops);
    const aloneMs = await rollBack(alone, person, count);
    const fleet = [...alone, ...(await startFleet(running, DAEMONS - 1, [], stops))];
    const fleetMs = await rollBack(fleet, person, count);
    setup.say(
      `rollback by ${engine.name}: ${median(aloneMs).toFixed(1)} ms alone, ${median(fleetMs).toFixed(1)} ms`,
    );
    return [
      rollbackRow(engine, alone.length, aloneMs),
      ...byAbort,
      rollbackRow(engine, fleet.length, fleetMs),
      await costRow(engine, running, fleet, REST_MS[length]),
    ];
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** The same for the aborts of releases that one daemon leads. */
async function abortRow(
  engine: Engine,
  running: RunningEngine,
  person: Operator,
  count: number,
): Promise<Row> {
  const stops: Stops = [];
  try {
    await person.raise();
    const alone = await startFleet(running, 1, ["-releases", "on"], stops);
    const tookMs = await rollBack(alone, person, count);
    await person.lower();
    return rollbackRow(engine, alone.length, tookMs, "abort");
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/**
 * Rolls a canary back `count` times, each time from a fleet at rest; returns the time of each, in
 * milliseconds.
 */
async function rollBack(fleet: readonly Member[], person: Operator, count: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < count; round++) {
    await Promise.all(fleet.map(({ visitor }) => visitor.becomes("canary")));
    await Bun.sleep(SETTLE_MS);
    const beganMs = performance.now();
    const ended = fleet.map(({ visitor }) => visitor.becomes("master"));
    await person.lower();
    tookMs.push(Math.max(...(await Promise.all(ended))) - beganMs);
    await Bun.sleep(SETTLE_MS);
    await person.raise();
  }
  return tookMs;
}

interface Member {
  readonly daemon: DaemonProcess;
  readonly visitor: Visitor;
}

async function startFleet(
  { address, env }: RunningEngine,
  size: number,
  flags: readonly string[],
  stops: Stops,
): Promise<Member[]> {
  const fleet: Member[] = [];
  while (fleet.length < size) {
    const homes = Array.from(
      { length: Math.min(STARTED_AT_ONCE, size - fleet.length) },
      () =>
        new DaemonHome({
          application: APPLICATION,
          store: address,
          ...(env === undefined ? {} : { env }),
          flags: ["-delay", `${DELAY_MS}ms`, ...flags],
        }),
    );
    for (const home of homes) stops.push(async () => home.remove());
    const daemons = await Promise.all(homes.map((home) => home.start()));
    for (const daemon of daemons) stops.push(() => daemon.end("SIGKILL"));
    for (const [index, home] of homes.entries()) {
      const visitor = await Visitor.at(home.socket);
      stops.push(async () => visitor.close());
      fleet.push({ daemon: daemons[index] as DaemonProcess, visitor });
    }
  }
  return fleet;
}

function rollbackRow(
  engine: Engine,
  daemons: number,
  tookMs: readonly number[],
  what: "rollback" | "abort" = "rollback",
): Row {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  const atMost = engine.isPush ? PUSH_P99_MS_MAX : (engine.lookEveryMs ?? DELAY_MS) + READ_MS_MAX;
  return {
    what: `${what} by ${engine.name}, ${daemons} daemon${daemons === 1 ? "" : "s"}`,
    figure: `p99 ${p99.toFixed(0)} ms (p50 ${median(sorted).toFixed(0)}, of ${sorted.length} ${what}s)`,
    bound: `≤ ${atMost} ms`,
    verdict: p99 <= atMost ? "ok" : "MISSED",
  };
}

/** The cost of a fleet at rest: the rollouts do not change, and every daemon reads every `DELAY_MS`. */
async function costRow(
  engine: Engine,
  { network }: RunningEngine,
  fleet: readonly Member[],
  restMs: number,
): Promise<Row> {
  const reads = async () => {
    const states = await Promise.all(fleet.map(({ daemon }) => daemon.state()));
    return states.reduce((sum, state) => sum + (state.applications[0]?.reads.success ?? 0), 0);
  };
  await eventually(async () => (await reads()) > 0, "a fleet that reads");
  const bytes = () => (network === undefined ? 0 : network.bytesUp + network.bytesDown);
  const [readsBefore, bytesBefore, beganMs] = [await reads(), bytes(), performance.now()];
  await Bun.sleep(restMs);
  const seconds = (performance.now() - beganMs) / 1_000;
  const scale = FLEET / DAEMONS / seconds;
  const readsASecond = ((await reads()) - readsBefore) * scale;
  const kilobytesASecond = ((bytes() - bytesBefore) * scale) / 1_000;
  const wire =
    network === undefined ? "no network" : `${kilobytesASecond.toFixed(0)} kB a second on the wire`;
  return {
    what: `what ${FLEET} daemons cost ${engine.name}`,
    figure: `${readsASecond.toFixed(0)} reads a second (${wire})`,
    bound: "",
    verdict: "–",
  };
}
