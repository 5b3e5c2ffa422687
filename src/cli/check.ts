/** Validates flags, environment and file, and shows what they come to. Opens nothing. */

import { allOptions, configFile } from "../config/options.ts";
import { redactAddress } from "../config/redact.ts";
import { table } from "../text.ts";
import type { Command } from "./command.ts";
import { EXITS } from "./exit.ts";
import { output, print } from "./output.ts";

export const check: Command = {
  name: "check",
  summary: "validate flags, environment and file without running the daemon",
  description:
    "It takes the daemon's flags, and prints each setting with its value and where that came from.",
  positionals: [],
  options: [...allOptions(), output],
  examples: [{ line: "check -config /etc/maxwells-daemon.toml", meaning: "before a restart" }],

  async run(invocation) {
    const { settings } = invocation;
    const rows = allOptions()
      .filter((option) => option !== configFile || settings.texts(option).length > 0)
      .map((option) => ({
        name: option.name,
        values: settings.texts(option).map(redactAddress),
        origin: settings.origin(option),
      }));
    const json = rows.map(({ name, values, origin }) => ({
      name,
      values,
      source: origin.source,
      origin: origin.text,
    }));
    print(invocation, { settings: json }, () =>
      table(
        ["setting", "value", "from"],
        rows.map(({ name, values, origin }) => [
          `-${name}`,
          values.join(", ") || "–",
          origin.source === "default" ? "default" : origin.text,
        ]),
      ),
    );
    return EXITS.ok.status;
  },
};
