import packageJson from "../../../package.json" with { type: "json" };
import { type Command, PROGRAM } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";

export const VERSION_TEXT: string = packageJson.version;

export const version: Command = {
  name: "version",
  summary: "print the version of this program, its runtime and platform",
  positionals: [],
  options: [output],
  examples: [],

  async run(invocation) {
    const { platform, arch } = process;
    const facts = { version: VERSION_TEXT, bun: Bun.version, platform, arch };
    print(invocation, facts, () => `${PROGRAM} ${VERSION_TEXT} (bun ${Bun.version}, ${platform} ${arch})\n`);
    return EXITS.ok.status;
  },
};
