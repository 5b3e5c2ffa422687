/** The daemon, which runs if no command is named. */

import { DEFAULT_CONFIG_FILE } from "../../config/config-file.ts";
import { ALL_TABLES, allOptions } from "../../daemon/all-options.ts";
import { region, store, table } from "../../settings/options.ts";
import type { Command } from "../command.ts";

export const daemon: Command = {
  name: "",
  summary: "run the daemon",
  description:
    "It answers proxies on its socket, and follows the rollouts in the store. Without flags, and without the file\n" +
    `${DEFAULT_CONFIG_FILE}, it does what the daemon of 2016 did:\n` +
    `-store ${store.defaultText} -table ${table.defaultText} -region ${region.defaultText}.`,
  positionals: [],
  options: allOptions(),
  tables: ALL_TABLES,
  examples: [
    {
      line: "-application website -table MaxwellsDaemon -region us-east-1",
      meaning: "as in 2016: the rollouts of website in the default store",
    },
    { line: "-application website -store file:/etc/rollouts.json", meaning: "rollouts from a file" },
    { line: "-config ./maxwells-daemon.toml", meaning: "all settings from a file of another name" },
  ],

  async run(invocation) {
    // Loaded only now: the other commands need the options of servers and monitors, but no daemon.
    const { runDaemon } = await import("./daemon/process.ts");
    return runDaemon(invocation);
  },
};
