/** Prints the version of the program, and what it runs on. */

import { type Command, PROGRAM, PROGRAM_VERSION } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";

export const version: Command = {
  name: "version",
  summary: "print the version of this program, its runtime and platform",
  positionals: [],
  options: [output],
  examples: [],

  async run(invocation) {
    const { platform, arch } = process;
    const facts = { version: PROGRAM_VERSION, bun: Bun.version, platform, arch };
    print(
      invocation,
      facts,
      () => `${PROGRAM} ${PROGRAM_VERSION} (bun ${Bun.version}, ${platform} ${arch})\n`,
    );
    return EXITS.ok.status;
  },
};
