/** Calls the command line as a process would, without one. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "../../src/cli/command.ts";
import { main } from "../../src/cli/main.ts";

export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param terminal what a person at a terminal would do, if there is one */
export async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program?: Program,
  terminal: { readonly isTerminal?: boolean; onPrint?(text: string, interrupt: () => void): void } = {},
): Promise<Run> {
  let interrupt = () => {};
  let stdout = "";
  let stderr = "";
  const io = {
    env: { USER: "ada", ...env },
    onInterrupt(stop: () => void) {
      interrupt = stop;
    },
    stdout: {
      isTerminal: terminal.isTerminal ?? false,
      write(text: string) {
        stdout += text;
        terminal.onPrint?.(text, () => interrupt());
      },
    },
    stderr: {
      write(text: string) {
        stderr += text;
      },
    },
  };
  const status = await main(argv, io, program);
  return { status, stdout, stderr };
}

/** A directory of a test's own, gone when it is disposed. */
export function temporaryDirectory(): { path(name: string): string; [Symbol.dispose](): void } {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-cli-"));
  return {
    path: (name) => join(directory, name),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
