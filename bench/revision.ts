/**
 * Another revision of this repository, to measure beside this one in the same run:
 * `npm run bench -- --against v3.0.0`. Its files come from git and its packages from npm, as in a clone.
 */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "./subject.ts";

const ROOT = join(import.meta.dir, "..");

/** A revision in a directory of its own. */
export interface Revision {
  readonly name: string;
  readonly directory: string;
  readonly program: Program;
}

/**
 * Checks a revision out below the temporary directory. Rejects if git does not know it, or npm cannot install
 * it.
 */
export async function checkOut(name: string): Promise<Revision> {
  const directory = mkdtempSync(join(tmpdir(), "revision-"));
  const archive = join(directory, "files.tar");
  await run(["git", "-C", ROOT, "archive", "--format=tar", `--output=${archive}`, name], ROOT);
  await run(["tar", "-xf", archive], directory);
  await run(["npm", "ci", "--silent"], directory);
  const command = [process.execPath, "--smol", join(directory, "src/bin.ts")];
  return { name, directory, program: { name: `revision ${name}`, command } };
}

async function run(command: readonly string[], cwd: string): Promise<void> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${command.slice(0, 2).join(" ")} failed`);
}
