/** Calls the command line as a process would, without one. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "../../src/cli/command.ts";
import { EXITS } from "../../src/cli/exit.ts";
import { main } from "../../src/cli/main.ts";
import { shellWord } from "../../src/text/shell-word.ts";
import { holdFilesToSchemas } from "../support/held-to-schemas.ts";

export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param world what a person at a terminal would do, and the configuration file of the machine */
export async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program?: Program,
  world: {
    readonly isTerminal?: boolean;
    onPrint?(text: string, interrupt: () => void): void;
    /** The same for stderr. */
    onWarn?(text: string, interrupt: () => void): void;
    readonly defaultConfigFile?: string;
  } = {},
): Promise<Run> {
  let interrupt = () => {};
  let stdout = "";
  let stderr = "";
  const io = {
    env: { USER: "ada", ...env },
    onInterrupt(stop: () => void) {
      interrupt = stop;
    },
    ...(world.defaultConfigFile === undefined ? {} : { defaultConfigFile: world.defaultConfigFile }),
    isInteractive: world.isTerminal ?? false,
    stdout: {
      isTerminal: world.isTerminal ?? false,
      write(text: string) {
        stdout += text;
        world.onPrint?.(text, () => interrupt());
      },
    },
    stderr: {
      write(text: string) {
        stderr += text;
        world.onWarn?.(text, () => interrupt());
      },
    },
  };
  const status = await main(argv, io, program);
  if (status === EXITS.ok.status) holdFilesToSchemas(argv, world.defaultConfigFile);
  return { status, stdout, stderr };
}

/** The same without the flags of a store in the commands that it prints. */
export function withoutFlags({ status, stdout, stderr }: Run, address: string): Run {
  const bare = (text: string) => text.replaceAll(` -store ${shellWord(address)}`, "");
  return { status, stdout: bare(stdout), stderr: bare(stderr) };
}

/** A directory of a test's own, gone when it is disposed. */
export function temporaryDirectory(): { path(name: string): string; [Symbol.dispose](): void } {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-cli-"));
  return {
    path: (name) => join(directory, name),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
