/**
 * A whole fleet under simulated faults: the real feeds, controllers, notices and verbs, over a store, a
 * network, disks and clocks that fail. After each run the laws are checked over the whole history.
 *
 * The runs are those of the seeds 1 to `RUNS`, so they are the same on each machine. `README.md` has the
 * faults that it found, and how to run more.
 */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import "../support/long.ts";
import { BUGS } from "./bug-list.ts";
import { scenarioOf, VISITED_FROM } from "./scenario.ts";
import { simulate } from "./simulation.ts";

const RUNS = Number(process.env["SIMULATIONS"] ?? 1_000);

/** A run takes some 20 ms, and much longer on a busy machine. */
const RUN_MS_MAX = 1_000;

/** With visitors a run takes half a second. */
const VISITED_RUNS = Math.ceil(RUNS / 40);
const VISITED_RUN_MS_MAX = 8_000;

/** Without these, the runs would prove little. */
const HAPPENINGS = [
  ...["controller running", "controller promoted", "controller aborted", "controller paused", "failover"],
  ...["restore", "kill", "disk", "store clock", "wall clock", "hand", "verdict reached", "notices"],
  ...["freeze written", "abort written", "promote written", "finish written", "undo written", "set written"],
];

const VISITED_HAPPENINGS = ["bad canary judged harmful", "sound canary", "ok given", "coins compared"];

async function ran(
  first: number,
  runs: number,
): Promise<{ readonly seen: ReadonlyMap<string, number>; readonly broken: readonly string[] }> {
  const seen = new Map<string, number>();
  const broken: string[] = [];
  for (let seed = first; seed < first + runs; seed++) {
    const run = simulate(scenarioOf(seed));
    for (const [name, times] of Object.entries(run.seen)) seen.set(name, (seen.get(name) ?? 0) + times);
    if (run.broken !== undefined) {
      const { law, text } = run.broken;
      broken.push(`law ${law}: ${text}; for the timeline: bun test/simulation/run.ts ${seed}`);
    }
    await nextTurn();
  }
  return { seen, broken };
}

test(
  `laws 10 to 17 hold in ${RUNS} simulated fleets`,
  async () => {
    const { seen, broken } = await ran(1, RUNS);
    expect(broken).toEqual([]);
    for (const name of HAPPENINGS) expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
  },
  RUNS * RUN_MS_MAX,
);

test(
  `bad canaries are found and sound ones stay, in ${VISITED_RUNS} fleets with visitors`,
  async () => {
    const { seen, broken } = await ran(VISITED_FROM + 1, VISITED_RUNS);
    expect(broken).toEqual([]);
    const sound = seen.get("sound canary") ?? 0;
    const mostFalse = 0.05 * sound + 3 * Math.sqrt(0.05 * 0.95 * sound);
    expect(seen.get("sound canary judged harmful") ?? 0).toBeLessThanOrEqual(mostFalse);
    for (const name of VISITED_HAPPENINGS) expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
  },
  VISITED_RUNS * VISITED_RUN_MS_MAX,
);

test("a run is the same each time", () => {
  const [first, second] = [simulate(scenarioOf(7), true), simulate(scenarioOf(7), true)];
  expect(first.timeline.length).toBeGreaterThan(10);
  expect(second).toEqual(first);
});

// `bugs.ts` takes long, so it does not run with the tests. A bug that fits no more would be forgotten.
test("each bug that is put in by hand still fits the program", () => {
  for (const { name, file, text } of BUGS) {
    expect(readFileSync(join(import.meta.dir, "../..", file), "utf8").split(text), name).toHaveLength(2);
  }
});
