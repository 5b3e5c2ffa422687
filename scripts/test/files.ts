/** Runs test files, each in its own process, so that a crash or a leak concerns one file only. */

import { countsOf, failuresOf } from "./bun-output.ts";
import { runChild } from "./children.ts";
import { inLanes, type Lanes } from "./lanes.ts";
import type { FileRun } from "./tally.ts";
import type { Chosen } from "./words.ts";

/**
 * The limit of a test that has none of its own. Bun's limit is 5 s, and bunfig.toml cannot change it, so each
 * command names this one.
 */
const CASE_MS = 30_000;

export interface FilesOptions {
  readonly root: string;
  /** The seed of all random draws. */
  readonly seed: number;
  /** Variables for the tests. */
  readonly variables: Readonly<Record<string, string>>;
  readonly lanes: Lanes;
  /** Show only the cases that failed. */
  readonly isBrief?: boolean;
}

/** Runs the files in this order; prints the output of each when it ends. */
export async function runFiles(chosen: readonly Chosen[], options: FilesOptions): Promise<FileRun[]> {
  const runs: FileRun[] = [];
  await inLanes(chosen, options.lanes, async (each) => {
    runs.push(await runFile(each, options));
  });
  return runs;
}

/** The command that repeats a file with the same draws, for a person to copy. */
export function repeatCommand(file: string, seed: number): string {
  return `SEED=${seed} npx bun test --timeout ${CASE_MS} ./${file}`;
}

async function runFile({ file, pattern }: Chosen, options: FilesOptions): Promise<FileRun> {
  const { root, seed, variables, isBrief = false } = options;
  const command = [process.execPath, "test", "--timeout", String(CASE_MS)];
  if (isBrief) command.push("--only-failures");
  if (pattern !== undefined) command.push("-t", pattern);
  const env = { ...process.env, SEED: String(seed), ...variables };
  const ended = await runChild([...command, `./${file}`], { cwd: root, env });
  const { passed, failed, skipped } = countsOf(ended.stderr, ended.status);
  const isNothing = pattern !== undefined && /matched 0 tests/.test(ended.stderr);
  // Bun calls it an error that no case of a shared file has the name. It is none.
  const { wallMs, processorMs } = ended;
  const run = { file, pattern, wallMs, processorMs };
  if (isNothing) return { ...run, passed: 0, failed: 0, failures: [] };
  const failures = failed > 0 ? failuresOf(ended.stderr) : [];
  if (!isBrief || failed > 0) process.stdout.write(`${ended.stdout}${ended.stderr}`);
  // Cases of a contract suite that cannot apply. In CI, tests fail if the tool that they need is missing.
  if (skipped > 0 && !isBrief && pattern === undefined) {
    console.log(`── ${skipped} cases do not apply; their names say why`);
  }
  return { ...run, passed, failed, failures };
}
