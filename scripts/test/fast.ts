/**
 * `npm run test:fast`: types, and the tests that start no program. It needs no server, no root and no
 * network. With `--watch` it runs, at each save, the tests that import the saved files.
 */

import { availableParallelism } from "node:os";
import { runChild } from "./children.ts";
import { repeatCommand, runFiles } from "./files.ts";
import { concernedBy, isFast } from "./groups.ts";
import { Modules } from "./modules.ts";
import { Saves } from "./saves.ts";
import { Tally } from "./tally.ts";

/** Number of lanes for each processor, because quick tests wait for timers half of their time. */
const LANES_PER_PROCESSOR = 3;
const LANES_MAX = 8;

/** Checks types and runs these tests. Resolves with the files that failed, and whether everything passed. */
async function runFast(root: string, tests: readonly string[], seed: number) {
  const beganMs = performance.now();
  const tally = new Tally(false, (file) => repeatCommand(file, seed));
  const count = Math.min(LANES_MAX, LANES_PER_PROCESSOR * availableParallelism());
  const lanes = { least: count, most: count };
  const [types, runs] = await Promise.all([
    runChild(["node_modules/.bin/tsc", "--noEmit"], { cwd: root, env: process.env }),
    runFiles(
      tests.map((file) => ({ file })),
      { root, seed, lanes, variables: {}, isBrief: true },
    ),
  ]);
  if (types.status !== 0) console.log(`── types FAILED\n${types.stdout}${types.stderr}`);
  tally.step(types.status === 0);
  for (const run of runs) tally.file(run);
  const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
  console.log(`── types and test files (${tests.length}) in ${seconds} s`);
  console.log(tally.summary());
  return { failed: runs.filter((run) => run.failed > 0).map(({ file }) => file), isGood: tally.isGood };
}

function fastTests(modules: Modules): string[] {
  return modules.tests().filter((test) => isFast(modules, test));
}

/** Runs all quick tests once. */
export async function runFastOnce(root: string, seed: number): Promise<boolean> {
  return (await runFast(root, fastTests(new Modules(root)), seed)).isGood;
}

/**
 * Runs all quick tests. After each save, runs the tests that the save concerns and those that failed before.
 * Does not return.
 */
export async function watchFast(root: string, seed: number): Promise<never> {
  const saves = new Saves(root);
  let { failed } = await runFast(root, fastTests(new Modules(root)), seed);
  for (;;) {
    console.log("── waiting for a save; Ctrl-C ends");
    const changed = await saves.next();
    // The save may have changed imports, so the sources are read again.
    const modules = new Modules(root);
    const tests = fastTests(modules);
    const concerned = new Set([...concernedBy(modules, changed, tests), ...failed]);
    console.log(`\n── saved: ${changed.join(", ")}`);
    const run = await runFast(
      root,
      tests.filter((test) => concerned.has(test)),
      seed,
    );
    failed = run.failed;
  }
}
