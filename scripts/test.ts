/**
 * The tests.
 *
 *     npm test                      everything that must pass before a change lands
 *     npm test -- nginx             the tests that concern one thing; several words narrow the choice
 *     npm test -- -y                install what is missing without a question
 *     npm run test:fast             types, and the tests that start no program
 *     npm run test:fast -- --watch  the same at each save
 *
 * The last line is `N passed, N failed`.
 */

import { join } from "node:path";
import { nearest } from "../src/text/nearest.ts";
import { argumentsOf } from "./test/arguments.ts";
import { endChildrenWithUs } from "./test/children.ts";
import { runFastOnce, watchFast } from "./test/fast.ts";
import { consentOf } from "./test/install.ts";
import { Modules } from "./test/modules.ts";
import { seedOf } from "./test/seed.ts";
import { runWhole } from "./test/whole.ts";
import { chosenBy, chosenLine, isKnown, knownWords } from "./test/words.ts";

const ROOT = join(import.meta.dir, "..");
const WRONG_USE = 2;
const COLUMNS = 100;

async function main(argv: readonly string[]): Promise<number> {
  const found = argumentsOf(argv);
  if (typeof found === "string") {
    console.error(found);
    return WRONG_USE;
  }
  endChildrenWithUs();
  const seed = seedOf(process.env["SEED"]);
  if (found.isWatch) return await watchFast(ROOT, seed);
  if (found.isFast) return (await runFastOnce(ROOT, seed)) ? 0 : 1;

  const modules = new Modules(ROOT);
  const tests = modules.tests();
  const isCi = Boolean(process.env["CI"]);
  const chosen = chosenBy(modules, tests, found.words);
  if (chosen.length === 0) {
    console.error(noTests(found.words, knownWords(modules, tests)));
    return WRONG_USE;
  }
  if (found.words.length > 0) console.log(chosenLine(found.words, chosen));
  const isGood = await runWhole({
    root: ROOT,
    ...{ modules, chosen, isCi, seed },
    isWhole: found.words.length === 0,
    consent: consentOf({ isCi, isYes: found.isYes, isTerminal: Boolean(process.stdin.isTTY) }),
  });
  return isGood ? 0 : 1;
}

function noTests(words: readonly string[], known: readonly string[]): string {
  const unknown = words.filter((word) => !isKnown(word, known));
  const lines = unknown.map((word) => `no test concerns ${word}${nearest(word, known)}`);
  if (lines.length === 0) return `no test concerns all of: ${words.join(" ")}`;
  return [...lines, "The words are:", ...folded(known)].join("\n");
}

/** Lines of words that fit a terminal. */
function folded(words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = " ";
  for (const word of words) {
    if (line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

process.exit(await main(process.argv.slice(2)));
