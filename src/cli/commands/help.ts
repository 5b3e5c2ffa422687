/** Prints a page of help: the daemon's, a command's, or a topic's. */

import { nearest } from "../../text/nearest.ts";
import { quote } from "../../text/quote.ts";
import type { Command } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { helpPage } from "../help-page.ts";
import { TOPICS } from "../topics.ts";

export const help: Command = {
  name: "help",
  summary: "explain the daemon's flags, a command, or the words of all pages",
  positionals: [
    { name: "COMMAND", summary: `a command, or one of ${Object.keys(TOPICS).join(", ")}`, required: false },
  ],
  options: [],
  examples: [
    { line: "help set", meaning: "how rollouts are written" },
    { line: "help words", meaning: "the words of all pages and messages, such as arc, offset and lease" },
    { line: "help stores", meaning: "all kinds of -store" },
  ],

  async run({ positionals: [name], io, program }) {
    const topic = Object.hasOwn(TOPICS, name ?? "") ? TOPICS[name ?? ""] : undefined;
    const command = name === undefined ? program.daemon : program.commands.find((each) => each.name === name);
    if (topic === undefined && command === undefined) {
      const names = [...program.commands.map((each) => each.name), ...Object.keys(TOPICS)];
      const hint = nearest(name ?? "", names);
      throw new CliError(
        "usage",
        `${quote(name ?? "")}: no such page${hint}`,
        `the pages are ${names.join(", ")}`,
      );
    }
    io.stdout.write(command === undefined ? (topic?.page() ?? "") : helpPage(command, program));
    return EXITS.ok.status;
  },
};
