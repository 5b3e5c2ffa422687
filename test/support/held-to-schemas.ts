/**
 * The program's schemas allow each file that the program takes. So the settings and the rollouts of the
 * commands and daemons of tests are held to them.
 */

import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { faultsInConfig, faultsInRollouts } from "./schema.ts";

const ROOT = resolve(import.meta.dir, "../..");

/** A file of a test may have megabytes. */
const SHOWN = 1_000;

/**
 * Wrong files, which the program takes in part, or does not look at: the test, a part of the fault, and the
 * reason.
 */
const WRONG: readonly (readonly [test: string, fault: string, reason: string])[] = [
  ["test/cli/rollouts.test.ts", "data/app must match pattern", "a version with a hostile name"],
  ["test/cli/rollouts.test.ts", "data/app/blue/rollout must be <= 1", "a rollout of 7"],
  ["test/cli/rollouts.test.ts", "data/app/maintenance must be <= 1", "a maintenance of 7"],
  ["test/cli/rollouts.test.ts", "data/app/blue/offset must be < 1", "an offset of 1, written by hand"],
  [
    "test/stores/file-contract.test.ts",
    "data/values/beyond must be number",
    "a rollout of 17, and other faults",
  ],
  ["test/cli/commands/verbs.test.ts", "data/app/canary/release must have", "a release of a newer program"],
  ["test/cli/commands/get.test.ts", "data/app/blue/release/step must be >= 1", "a release at step 0"],
  ["test/cli/commands/history.test.ts", "data/app/blue must be number", "a record that is a text"],
  [
    "test/cli/commands/plan.test.ts",
    "data/plans/other/slow must be string",
    "a plan beside the one that is meant",
  ],
  [
    "test/cli/commands/check/checks.test.ts",
    "data/checks/errors/go must match",
    "a condition without a sign",
  ],
];

/**
 * Holds the files that these words name to their schemas. Throws if a schema refuses one that is not wrong by
 * intention.
 *
 * @param argv a command line that was carried out
 */
export function holdFilesToSchemas(argv: readonly string[], defaultConfigFile?: string): void {
  hold(fileAt(valueIn(argv, "config") ?? defaultConfigFile), faultsInConfig);
  const [, rollouts] = /^file:(?:\/\/)?(.*)$/.exec(valueIn(argv, "store") ?? "") ?? [];
  const text = fileAt(rollouts);
  // If a file cannot be parsed, a daemon starts all the same, and takes nothing of it.
  if (text !== undefined && isJson(text)) hold(text, faultsInRollouts);
}

/** The same for the text of a file of rollouts. */
export function holdToSchema(rollouts: string): void {
  hold(rollouts, faultsInRollouts);
}

function hold(text: string | undefined, faultsIn: (text: string) => string): void {
  const faults = text === undefined ? "" : faultsIn(text);
  if (faults === "") return;
  const test = relative(ROOT, Bun.main);
  if (WRONG.some(([of, fault]) => test === of && faults.includes(fault))) return;
  throw new Error(`the program takes a file, and the schema refuses it: ${faults}\n${text?.slice(0, SHOWN)}`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function fileAt(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** The value of a flag, written `-name value` or `-name=value`. */
function valueIn(argv: readonly string[], name: string): string | undefined {
  const index = argv.findIndex((word) => word === `-${name}` || word === `--${name}`);
  if (index >= 0) return argv[index + 1];
  const written = argv.find((word) => word.startsWith(`-${name}=`) || word.startsWith(`--${name}=`));
  return written?.slice(written.indexOf("=") + 1);
}
