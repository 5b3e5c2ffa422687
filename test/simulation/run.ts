/**
 * Runs the simulation by hand, also a hundred thousand times:
 *
 *     bun test/simulation/run.ts 1 100000     the runs of the seeds 1 to 100 000
 *     bun test/simulation/run.ts 480          one run, with its timeline
 *     bun test/simulation/run.ts 1 1000 first ends at the first run that breaks a law
 *
 * Prints each run that breaks a law, by its seed, and how often each kind of thing happened.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { scenarioOf } from "./scenario.ts";
import { simulate } from "./simulation.ts";

const first = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1);
const isFirstEnough = process.argv[4] === "first";
const beganMs = performance.now();
const seen = new Map<string, number>();
let events = 0;
let broken = 0;
for (let seed = first; seed < first + count && !(isFirstEnough && broken > 0); seed++) {
  const run = simulate(scenarioOf(seed), count === 1);
  events += run.events;
  for (const [name, times] of Object.entries(run.seen)) seen.set(name, (seen.get(name) ?? 0) + times);
  if (count === 1) console.log(run.timeline.join("\n"));
  if (run.broken !== undefined) {
    broken++;
    const { law, text, atMs } = run.broken;
    console.log(`seed ${seed}: law ${law} after ${(atMs / 1_000).toFixed(1)} s: ${text}`);
  }
  await nextTurn();
}
const tookMs = performance.now() - beganMs;
if (count > 1) console.log(Object.fromEntries([...seen].sort()));
console.log(
  `${count} runs, ${broken} broken, ${(tookMs / count).toFixed(1)} ms and ${(events / count).toFixed(0)} events a run`,
);
process.exit(broken === 0 ? 0 : 1);
