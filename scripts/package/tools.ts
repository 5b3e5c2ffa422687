/** The programs that make packages. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { remedyOf } from "../test/install.ts";
import { NEEDS, PYPI } from "../test/needs.ts";

/** The path of a program, from `PATH` or from PyPI. Throws if it is missing, and says how to get it. */
export function toolPath(name: string): string {
  const own = join(PYPI, "bin", name);
  const path = existsSync(own) ? own : Bun.which(name);
  if (path !== null) return path;
  const need = NEEDS.find(({ tool }) => tool === name);
  throw new Error(`${name} is missing${need === undefined ? "" : `; get it by: ${remedyOf(need)}`}`);
}

/** Runs a program to its end, and returns its stdout. Throws with its stderr if it fails. */
export function runTool(
  command: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`${command[0]} failed with status ${exitCode}:\n${stdout}${stderr}`);
  return String(stdout);
}
