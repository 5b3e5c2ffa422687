/**
 * The event loop of a daemon while `/state` is fetched again and again. The daemon has 10 000 applications
 * and 4 096 placements: 64 applications have 64 versions each, with visitors in all of them.
 *
 * A probe in the daemon measures the longest turn of the loop (`stall-probe.ts`); the wait of the slowest
 * visitor is measured outside. Turns with the same load and without the fetches alternate with these, because
 * the machine is slow at times, too.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../test/support/eventually.ts";
import { isSaved, startWith, visit } from "./many.ts";
import type { Row } from "./report.ts";
import { median, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import type { Stalls } from "./stall-probe.ts";
import type { Program } from "./subject.ts";
import { directoryOf, type Stops } from "./ways.ts";

const APPLICATIONS = 10_000;
const PLACEMENTS = 4_096;

/** Versions of an application with many, the canary among them, and the number of such applications. */
const VERSIONS = 64;
const WITH_MANY = PLACEMENTS / VERSIONS;

/** The load's visitors are in the canaries of these; the other versions divide the rest of the circle. */
const CANARY_ROLLOUT = 0.25;

/**
 * Often enough to see a stall in its full length, and seldom enough that the load takes no core from the
 * daemon.
 */
const RATE = 1_000;
const SECONDS = { full: 4, quick: 2 } as const;

const TURN_MS_AT_MOST = 5;

/** The figures of one turn of the load, in milliseconds. */
interface Turn extends Stalls {
  readonly slowestMs: number;
}

/** The only row: the longest turn of the event loop. */
export async function stateRow(program: Program, load: string, setup: Setup): Promise<Row> {
  const stops: Stops = [];
  const seconds = SECONDS[setup.turns > 3 ? "full" : "quick"];
  try {
    const directory = directoryOf(stops);
    const [store, probe] = [join(directory, "rollouts.json"), join(directory, "stalls.json")];
    const names = Array.from({ length: APPLICATIONS }, (_, index) => `app-${index}`);
    writeFileSync(store, JSON.stringify(Object.fromEntries(names.map((name, at) => [name, recordsOf(at)]))));
    const running = { address: `file:${store}`, env: { STALL_PROBE: probe } };
    const { daemon, socket, stateDirectory } = await startWith(probed(program), running, names, stops);
    await isSaved(stateDirectory, names.length);
    await visitEachVersion(socket);
    await visit(load, socket, 1, WITH_MANY, WITH_MANY);
    const { applications } = await daemon.state();
    const placements = applications.reduce((sum, { decisions }) => sum + decisions.length, 0);
    if (placements !== PLACEMENTS) throw new Error(`there are ${placements} placements`);
    let fetches = 0;
    const turnOf = async (isFetched: boolean): Promise<Turn> => {
      process.kill(daemon.pid, "SIGUSR2");
      const visited = visit(load, socket, seconds, RATE, WITH_MANY);
      if (isFetched) fetches += await fetchUntil(`${daemon.adminUrl}/state`, visited);
      const slowestMs = (await visited).slowest / 1_000;
      process.kill(daemon.pid, "SIGUSR2");
      return { ...(await stallsIn(probe)), slowestMs };
    };
    const [without, beside]: [Turn[], Turn[]] = [[], []];
    for (let turn = 0; turn < setup.turns; turn++) {
      without.push(await turnOf(false));
      beside.push(await turnOf(true));
    }
    const longest = longestOf(beside);
    return {
      what: `${thousands(APPLICATIONS)} applications, ${thousands(PLACEMENTS)} placements: longest turn of the event loop while /state is fetched`,
      figure: `${longest.toFixed(1)} ms of the processor (fetched ${fetches} times; ${textOf(beside)}; without it ${longestOf(without).toFixed(1)} ms, ${textOf(without)})`,
      bound: `≤ ${TURN_MS_AT_MOST} ms`,
      verdict: longest <= TURN_MS_AT_MOST ? "ok" : "MISSED",
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function longestOf(turns: readonly Turn[]): number {
  return Math.max(...turns.map(({ processorMs }) => processorMs));
}

/** The medians of the turns. */
function textOf(turns: readonly Turn[]): string {
  const of = (read: (turn: Turn) => number) => `${median(turns.map(read)).toFixed(1)}`;
  return `half of the turns ${of(({ processorMs }) => processorMs)}, by the clock ${of(({ clockMs }) => clockMs)}, slowest visitor ${of(({ slowestMs }) => slowestMs)}`;
}

/** The same program with the probe in it. */
function probed({ name, command }: Program): Program {
  const [bun = "", ...others] = command;
  return { name, command: [bun, "--preload", join(import.meta.dir, "stall-probe.ts"), ...others] };
}

/** Reads a measurement that ended just now, and removes the file. */
async function stallsIn(path: string): Promise<Stalls> {
  await eventually(() => existsSync(path), "the measurement of the event loop");
  const stalls = JSON.parse(readFileSync(path, "utf8")) as Stalls;
  rmSync(path);
  return stalls;
}

/**
 * The records of the application `app-INDEX`. The first applications have as many versions as an application
 * may have.
 */
function recordsOf(index: number): Record<string, { rollout: number; offset: number }> {
  const records: Record<string, { rollout: number; offset: number }> = {
    canary: { rollout: CANARY_ROLLOUT, offset: 0 },
  };
  for (let at = 0; index < WITH_MANY && at < VERSIONS - 1; at++) {
    records[`version-${at}`] = { rollout: ROOM, offset: CANARY_ROLLOUT + at * ROOM };
  }
  return records;
}

/** The arc of one of the other versions. */
const ROOM = (1 - CANARY_ROLLOUT) / VERSIONS;

/** Asks once for each version of the applications with many. */
async function visitEachVersion(path: string): Promise<void> {
  const answered = Promise.withResolvers<void>();
  let missing = 2 * WITH_MANY * (VERSIONS - 1);
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data(_, bytes) {
        for (const byte of bytes) if (byte === 0x0a) missing--;
        if (missing === 0) answered.resolve();
      },
      close: () => answered.reject(new Error("the daemon closed the connection")),
    },
  });
  for (let index = 0; index < WITH_MANY; index++) {
    const points = Array.from({ length: VERSIONS - 1 }, (_, at) => CANARY_ROLLOUT + (at + 0.5) * ROOM);
    socket.write(points.map((point) => `${point} application=app-${index}\n`).join(""));
    await Bun.sleep(1);
  }
  await answered.promise;
  socket.end();
}

/** Fetches until `ending` has settled; resolves with the number of fetches. The body is read and dropped. */
async function fetchUntil(url: string, ending: Promise<unknown>): Promise<number> {
  let [isOver, times] = [false, 0];
  const over = ending.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const response = await fetch(url);
    if (response.status !== 200) throw new Error(`/state answered ${response.status}`);
    for await (const _ of response.body ?? []) if (isOver) break;
    times++;
  }
  await over;
  return times;
}
