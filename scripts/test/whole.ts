/**
 * `npm test`: everything that must pass before a change lands. With words, the tests that concern them.
 *
 *     install what the tests need, if that is allowed, then
 *     format and lint, types, tests, the build of the executable and a smoke test of it
 *
 * Several test files run at a time. Tests that measure milliseconds come last, one file at a time.
 */

import { runChild } from "./children.ts";
import { repeatCommand, runFiles } from "./files.ts";
import { isAlone, isLong } from "./groups.ts";
import { type Consent, install, remedyOf } from "./install.ts";
import type { Lanes } from "./lanes.ts";
import { longestLines } from "./longest.ts";
import type { Modules } from "./modules.ts";
import { needsOf } from "./needs.ts";
import { makeProducts } from "./products.ts";
import { type FileRun, Tally } from "./tally.ts";
import { type Chosen, partsOf } from "./words.ts";

/** If more files than this fail, no file is run again, because something is clearly broken. */
const AGAIN_MAX = 6;

/** Most test files wait most of their time. */
const LANES: Lanes = { least: 3, most: 6 };

/** More than the number of programs that any file needs. */
const LONG_WEIGHT = 1_000;

/** This number of files is named at the end with their times. */
const LONGEST = 30;

/** For tests that have the machine to themselves. */
const ALONE: Lanes = { least: 1, most: 1 };

export interface WholeOptions {
  readonly root: string;
  readonly modules: Modules;
  readonly chosen: readonly Chosen[];
  /** Whether all tests are chosen. Then the other steps are run too. */
  readonly isWhole: boolean;
  readonly isCi: boolean;
  readonly consent: Consent;
  readonly seed: number;
}

/** Prints the progress, and `N passed, N failed` in the last line. Resolves with whether all passed. */
export async function runWhole(options: WholeOptions): Promise<boolean> {
  const { root, modules, chosen, isWhole, isCi, consent, seed } = options;
  const tally = new Tally(isCi, (file) => repeatCommand(file, seed));

  // In CI a missing program fails the file that names it, even if none of the chosen cases runs it.
  const needsOfCases = ({ file, without }: Chosen) => needsOf(modules, file, isCi ? [] : without);
  const needs = new Set(chosen.flatMap(needsOfCases));
  for (const need of await install([...needs], consent)) {
    const files = chosen.filter((each) => needsOfCases(each).includes(need));
    console.log(
      `── left out: tests that need ${need.tool} (files: ${files.length}); get it: ${remedyOf(need)}`,
    );
    tally.leftOut();
  }

  const step = async (name: string, command: readonly string[]) => {
    console.log(`\n── ${name}`);
    const { stdout, stderr, status } = await runChild(command, { cwd: root, env: process.env });
    process.stdout.write(`${stdout}${stderr}`);
    if (status !== 0) console.log(`── ${name} FAILED`);
    tally.step(status === 0);
  };
  if (isWhole) {
    await step("format and lint", ["node_modules/.bin/biome", "check", "--error-on-warnings", "."]);
    await step("types", ["node_modules/.bin/tsc", "--noEmit"]);
    await step("types of the page", ["node_modules/.bin/tsc", "-p", "src/page/browser"]);
  }
  await tests(options, tally);
  if (isWhole) {
    await step("the executable, and a smoke test of it", [process.execPath, "scripts/build.ts"]);
  }
  console.log(`\n${tally.summary()}`);
  return tally.isGood;
}

async function tests({ root, modules, chosen, seed }: WholeOptions, tally: Tally): Promise<void> {
  const alone = chosen.filter(({ file }) => isAlone(modules, file));
  const others = longestFirst(
    modules,
    chosen.filter((each) => !alone.includes(each)),
  );
  console.log(`\n── tests, ${LANES.least} to ${LANES.most} files at a time; SEED=${seed}`);
  const variables = await makeProducts(root, modules, chosen);
  const parts = others.flatMap((each) => partsOf(modules, each));
  const runs = await runFiles(parts, { root, seed, variables, lanes: LANES });
  if (alone.length > 0) console.log("\n── tests that have the machine to themselves");
  runs.push(...(await runFiles(alone, { root, seed, variables, lanes: ALONE })));

  if (runs.length > LONGEST) console.log(`\n${longestLines(runs, LONGEST).join("\n")}`);
  const failed = runs.filter((run) => run.failed > 0);
  const isAgain = failed.length <= AGAIN_MAX;
  const again = new Map<FileRun, FileRun>();
  for (const run of isAgain ? failed : []) {
    const { file, pattern } = run;
    console.log(`\n── again, alone: ${file}`);
    const part = { file, ...(pattern !== undefined && { pattern }) };
    const [second] = await runFiles([part], { root, seed, variables, lanes: ALONE, isBrief: true });
    if (second !== undefined) again.set(run, second);
  }
  for (const run of runs) tally.file(run, again.get(run));
}

/**
 * Sorts the long files first, and then those that need most programs, because no lane should wait for one of
 * them at the end.
 */
function longestFirst(modules: Modules, chosen: readonly Chosen[]): Chosen[] {
  const weightOf = (file: string) => (isLong(modules, file) ? LONG_WEIGHT : needsOf(modules, file).length);
  const weights = new Map(chosen.map(({ file }) => [file, weightOf(file)]));
  return [...chosen].sort((a, b) => (weights.get(b.file) ?? 0) - (weights.get(a.file) ?? 0));
}
