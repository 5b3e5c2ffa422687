/**
 * The daemon's resident memory over millions of requests, and the cost of ten thousand silent connections to
 * the clients that ask.
 */

import { readFileSync } from "node:fs";
import { IdleConnections } from "./idle-connections.ts";
import { buildLoad, type Load, type Mode } from "./line.ts";
import { limitRow, type Row, ratioRow, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { type Program, type Subject, startSubject } from "./subject.ts";

/** Here a megabyte is 1000 kB. */
const BYTES_PER_MB = 1_000_000;
const BYTES_PER_KIB = 1024;

const MB_AT_MOST = 80;
/**
 * The growth over the whole run that counts as flat, on a line through the samples. A single sample says
 * little: the collector runs at its own times, so samples go up and down by more than this.
 */
const GROWTH_MB_AT_MOST = 5;
const MILLION = 1_000_000;

/** The share of each mode in a million requests. */
const MIX: readonly { readonly mode: Mode; readonly connections: number; readonly share: number }[] = [
  { mode: "pipe:64", connections: 16, share: 0.6 },
  { mode: "keep", connections: 16, share: 0.3 },
  { mode: "new", connections: 32, share: 0.1 },
];

/**
 * The load takes seconds, not requests: first the shortest turn, then as many as the last turn's rate needs.
 */
const SECONDS_MIN = 0.05;

const IDLE_CONNECTIONS = 10_000;
const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 20;

export async function benchMemory(setup: Setup): Promise<Row[]> {
  const load = await buildLoad();
  const rows: Row[] = [];
  for (const program of setup.programs) {
    rows.push(...(await watchMemory(program, load, setup)));
    rows.push(...(await holdIdle(program, load, setup)));
  }
  return rows;
}

async function watchMemory(program: Program, load: Load, setup: Setup): Promise<Row[]> {
  const subject = await startSubject(program);
  const atStart = residentMb(subject.pid);
  const samples: number[] = [];
  const rates = new Map<Mode, number>();
  // By mode. If a turn made too many requests, the next million has fewer.
  const done = new Map<Mode, number>();
  for (let million = 1; million <= setup.millions; million++) {
    for (const { mode, connections, share } of MIX) {
      for (;;) {
        const missing = million * share * MILLION - (done.get(mode) ?? 0);
        if (missing <= 0) break;
        const before = (await subject.counts()).answered;
        const seconds = Math.max(SECONDS_MIN, missing / (rates.get(mode) ?? Number.POSITIVE_INFINITY));
        rates.set(mode, await load(subject.socket, seconds, connections, mode));
        const { answered } = await subject.counts();
        done.set(mode, (done.get(mode) ?? 0) + answered - before);
      }
    }
    samples.push(residentMb(subject.pid));
    setup.say(`memory after ${million} million, ${program.name}: ${samples.at(-1)?.toFixed(1)} MB`);
  }
  const { answered } = await subject.counts();
  await subject.stop();

  const [, ...settled] = samples;
  const slope = slopeOf(settled);
  const growth = slope * (settled.length - 1);
  const each = `${thousands(answered)} requests; ${atStart.toFixed(0)} at the start, each million: ${samples.map((mb) => mb.toFixed(0)).join(" ")}`;
  return [
    limitRow(
      `memory after ${setup.millions} million requests: ${program.name}`,
      samples.at(-1) ?? Number.NaN,
      "MB",
      each,
      MB_AT_MOST,
    ),
    limitRow(
      `memory's growth from the second million on: ${program.name}`,
      growth,
      "MB",
      `by a line through the samples: ${slope.toFixed(2)} MB a million`,
      GROWTH_MB_AT_MOST,
    ),
  ];
}

async function holdIdle(program: Program, load: Load, setup: Setup): Promise<Row[]> {
  const subject = await startSubject(program);
  const { socket } = subject;
  const connections = 16;
  const without: number[] = [];
  const beside: number[] = [];
  let answered = IDLE_CONNECTIONS;
  let memoryMb = 0;
  await load(socket, setup.seconds, connections, "keep");
  for (let turn = 0; turn < setup.turns; turn++) {
    without.push(await load(socket, setup.seconds, connections, "keep"));
    const idle = await IdleConnections.open(socket, IDLE_CONNECTIONS);
    await expectConnections(subject, IDLE_CONNECTIONS);
    beside.push(await load(socket, setup.seconds, connections, "keep"));
    answered = Math.min(answered, await idle.askAll());
    memoryMb = residentMb(subject.pid);
    idle.close();
    await expectConnections(subject, 0);
    setup.say(`beside idle connections, turn ${turn + 1}, ${program.name}: ${thousands(beside.at(-1) ?? 0)}`);
  }
  await subject.stop();
  return [
    {
      what: `${thousands(IDLE_CONNECTIONS)} idle connections, asked after the load: ${program.name}`,
      figure: `${thousands(answered)} answered (memory ${memoryMb.toFixed(1)} MB)`,
      bound: "all",
      verdict: answered === IDLE_CONNECTIONS ? "ok" : "MISSED",
    },
    ratioRow(`line \`keep\` beside them, of without them: ${program.name}`, beside, without),
  ];
}

/** Resolves when the daemon has `count` connections. */
async function expectConnections(subject: Subject, count: number): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  for (;;) {
    const { connections } = await subject.counts();
    if (connections === count) return;
    if (performance.now() > deadlineMs) {
      throw new Error(`the daemon has ${connections} connections, not ${count}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/** The slope of the least-squares line through values at 0, 1, 2, …; NaN for fewer than two. */
export function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  let [above, below] = [0, 0];
  for (const [at, value] of values.entries()) {
    above += (at - middle) * value;
    below += (at - middle) ** 2;
  }
  return above / below;
}

/** Resident memory of a process, in megabytes. */
function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return (Number(kib) * BYTES_PER_KIB) / BYTES_PER_MB;
}
