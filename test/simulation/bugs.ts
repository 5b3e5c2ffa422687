/**
 * Puts bugs into the program by hand, one at a time, and looks whether the simulation finds each:
 *
 *     bun test/simulation/bugs.ts             all of them, each by the run that found it before
 *     bun test/simulation/bugs.ts freeze      those with this word in their name
 *     bun test/simulation/bugs.ts "" all      all of them, each among the runs of `fleet.test.ts`
 *
 * If a run does not find its bug any more, it is looked for among the runs of `fleet.test.ts`, for ten
 * minutes or so. Each bug goes into a copy of the program.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUGS, type Bug } from "./bug-list.ts";
import { VISITED_FROM } from "./scenario.ts";

const ROOT = join(import.meta.dir, "../..");

/** As many as `fleet.test.ts` has. */
const RUNS = 1_000;

/** With visitors a run takes much longer. */
const VISITED_RUNS = 250;

/** Two runs at once, because two processors are common. */
const LANES = 2;

/** The run or the test that finds a bug, in words; undefined if none does. */
async function foundBy(bug: Bug, isSearched: boolean): Promise<string | undefined> {
  const { name, file, text, instead, by } = bug;
  const directory = mkdtempSync(join(tmpdir(), "bug-"));
  try {
    for (const part of ["src", "test", "scripts", "package.json", "tsconfig.json"]) {
      cpSync(join(ROOT, part), join(directory, part), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
    const before = readFileSync(join(directory, file), "utf8");
    if (before.split(text).length !== 2) throw new Error(`${name}: its text does not stand once in ${file}`);
    writeFileSync(
      join(directory, file),
      before.replace(text, () => instead),
    );
    if (typeof by === "string") return await failureOf(by, directory);
    const known = isSearched ? undefined : await brokenRun(directory, [String(by), "1"]);
    const isVisited = by > VISITED_FROM;
    const [first, runs] = isVisited ? [VISITED_FROM + 1, VISITED_RUNS] : [1, RUNS];
    return known ?? (await brokenRun(directory, [String(first), String(runs), "first"]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The first run that breaks a law, as `run.ts` prints it; undefined if none does. */
async function brokenRun(directory: string, words: readonly string[]): Promise<string | undefined> {
  const { out, errors } = await ran([join(directory, "test/simulation/run.ts"), ...words], directory);
  if (errors !== "") throw new Error(`the runs ended with an error: ${errors}`);
  return out.split("\n").find((line) => line.startsWith("seed "));
}

/** Undefined if the test passes. */
async function failureOf(test: string, directory: string): Promise<string | undefined> {
  const { errors } = await ran(["test", `./${test}`], directory);
  const failed = errors.split("\n").find((line) => line.includes("(fail)"));
  return failed === undefined ? undefined : `${test}: ${failed}`;
}

async function ran(
  words: readonly string[],
  cwd: string,
): Promise<{ readonly out: string; readonly errors: string }> {
  const child = Bun.spawn([process.execPath, ...words], { cwd, stdout: "pipe", stderr: "pipe" });
  const [out, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { out, errors };
}

const word = process.argv[2] ?? "";
const isSearched = process.argv[3] === "all";
const waiting = BUGS.filter(({ name }) => name.includes(word))[Symbol.iterator]();
let missed = 0;
await Promise.all(
  Array.from({ length: LANES }, async () => {
    for (const each of waiting) {
      const found = await foundBy(each, isSearched);
      if (found === undefined) missed++;
      console.log(`${found === undefined ? "MISSED" : "found "}  ${each.name}: ${found ?? `${RUNS} runs`}`);
    }
  }),
);
process.exitCode = missed === 0 ? 0 : 1;
