/**
 * Runs the simulation by hand, also a hundred thousand times:
 *
 *     bun test/simulation/run.ts 1 100000       the runs of the seeds 1 to 100 000
 *     bun test/simulation/run.ts 480            one run, with its timeline
 *     bun test/simulation/run.ts 1 1000 first   ends at the first run that breaks a law
 *
 * Prints each run that breaks a law or ends with an error, and goes on. The summary says how often each kind
 * of thing happened, and which runs were broken.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { scenarioOf } from "./scenario.ts";
import { simulate } from "./simulation.ts";

/** A long series tells after this many runs how far it is. */
const PROGRESS_RUNS = 1_000;

const MIB = 2 ** 20;

const first = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1);
const isFirstEnough = process.argv[4] === "first";
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error("usage: bun test/simulation/run.ts SEED [COUNT [first]]");
  process.exit(2);
}

const beganMs = performance.now();
const seen = new Map<string, number>();
const broken: number[] = [];
let events = 0;
let runs = 0;

/** The error of a promise that no part of the program waits for. */
let lostError: unknown;
process.on("unhandledRejection", (error) => {
  lostError ??= error;
});

/** One run. Returns how it was broken; undefined if it was not. */
async function faultOf(seed: number): Promise<string | undefined> {
  lostError = undefined;
  try {
    const run = simulate(scenarioOf(seed), count === 1);
    events += run.events;
    for (const [name, times] of Object.entries(run.seen)) seen.set(name, (seen.get(name) ?? 0) + times);
    if (count === 1) console.log(run.timeline.join("\n"));
    await nextTurn();
    if (lostError !== undefined) return `an error that was not caught: ${stackOf(lostError)}`;
    if (run.broken === undefined) return undefined;
    const { law, text, atMs } = run.broken;
    return `law ${law} after ${(atMs / 1_000).toFixed(1)} s: ${text}`;
  } catch (error) {
    return `the run ended with an error: ${stackOf(error)}`;
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function tellProgress(seed: number): void {
  const minutes = ((performance.now() - beganMs) / 60_000).toFixed(1);
  const mib = (process.memoryUsage.rss() / MIB).toFixed(0);
  console.error(`seed ${seed}: ${runs} runs, ${broken.length} broken, ${minutes} minutes, ${mib} MiB`);
}

for (let seed = first; seed < first + count && !(isFirstEnough && broken.length > 0); seed++) {
  const fault = await faultOf(seed);
  runs++;
  if (fault !== undefined) {
    broken.push(seed);
    console.log(`seed ${seed}: ${fault}`);
  }
  if (runs % PROGRESS_RUNS === 0 && count > PROGRESS_RUNS) tellProgress(seed);
}

if (count > 1) console.log(Object.fromEntries([...seen].sort()));
const perRun = (sum: number) => (sum / runs).toFixed(1);
const tookMs = performance.now() - beganMs;
console.log(`${runs} runs, ${perRun(tookMs)} ms and ${perRun(events)} events a run`);
console.log(broken.length === 0 ? "no run was broken" : `${broken.length} broken: ${broken.join(" ")}`);
process.exitCode = broken.length === 0 ? 0 : 1;
