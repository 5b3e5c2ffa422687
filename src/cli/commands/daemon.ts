/** What runs if no command is named: the daemon. */

import { DEFAULT_CONFIG_FILE } from "../../config/config-file.ts";
import { allOptions } from "../../config/options.ts";
import type { Command } from "../command.ts";

export const daemon: Command = {
  name: "",
  summary: "run the daemon",
  description:
    "It answers proxies on its socket, and follows the rollouts in the store. Without flags and without\n" +
    `${DEFAULT_CONFIG_FILE} it does what the daemon of 2016 did: it reads the\n` +
    "DynamoDB table MaxwellsDaemon in us-east-1.",
  positionals: [],
  options: allOptions(),
  examples: [
    {
      line: "-application website -table MaxwellsDaemon -region us-east-1",
      meaning: "rollouts of website from DynamoDB",
    },
    { line: "-application website -store file:/etc/rollouts.json", meaning: "rollouts from a file" },
    { line: "-config ./maxwells-daemon.toml", meaning: "all settings from a file of another name" },
  ],

  async run(invocation) {
    // Loaded here, because the other commands run no daemon.
    const { runDaemon } = await import("./daemon/process.ts");
    return runDaemon(invocation);
  },
};
