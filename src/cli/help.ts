/** Pages of help, made of the commands' tables. */

import { environmentName } from "../config/environment.ts";
import type { Option } from "../config/option.ts";
import { configFile } from "../config/options.ts";
import { single } from "../config/values.ts";
import { aligned } from "../text.ts";
import { type Command, PROGRAM, type Program, usageOf } from "./command.ts";
import { CliError, EXITS } from "./exit.ts";

/** Understood by every command, before all other flags are looked at. */
export const helpFlag = single(
  { name: "help", summary: "this page", defaultText: "false", flagOnly: true },
  () => true,
);

export const help: Command = {
  name: "help",
  summary: "explain the daemon's flags, or a command",
  positionals: [{ name: "COMMAND", summary: "the command to explain", required: false }],
  options: [],
  examples: [{ line: "help set", meaning: "how rollouts are written" }],

  async run({ positionals: [name], io, program }) {
    const command = name === undefined ? program.daemon : program.commands.find((each) => each.name === name);
    if (command === undefined) {
      const names = program.commands.map((each) => each.name).join(", ");
      throw new CliError("usage", `${JSON.stringify(name)}: no such command`, `they are ${names}`);
    }
    io.stdout.write(helpPage(command, program));
    return EXITS.ok.status;
  },
};

/** The page of one command; the daemon's also lists all others, and the exit statuses. */
export function helpPage(command: Command, program: Program): string {
  const isDaemon = command === program.daemon;
  const sections = [
    [`${PROGRAM}${isDaemon ? "" : ` ${command.name}`}: ${command.summary}\n`],
    ["Usage:\n", `  ${usageOf(command)}\n`, isDaemon ? `  ${PROGRAM} COMMAND …\n` : ""],
    command.description === undefined ? [] : [`${command.description}\n`],
    titled("Commands", isDaemon ? program.commands.map(({ name, summary }) => [name, summary]) : []),
    titled(
      "Words",
      command.positionals.map(({ name, summary }) => [name, summary]),
    ),
    flagsSection(command),
    titled(
      "Examples",
      command.examples.map(({ line, meaning }) => [`${PROGRAM} ${line}`, meaning]),
    ),
    titled(
      "Exit status",
      Object.values(EXITS).map(({ status, meaning }) => [String(status), meaning]),
    ),
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.join(""))
    .join("\n");
}

function titled(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`${title}:\n`, aligned(rows, "  ")];
}

function flagsSection({ options, defaults = {} }: Command): string[] {
  if (options.length === 0) return [];
  const lines = options.map((option) => flagLines(option, defaults[option.name] ?? option.defaultText));
  const note = options.includes(configFile)
    ? "  A flag counts before its environment variable, that before the file, that before the default.\n"
    : "";
  return ["Flags:\n", ...lines, note];
}

function flagLines(option: Option<unknown>, defaultText: string | undefined): string {
  const value = option.placeholder === undefined ? "" : ` ${option.placeholder}`;
  const more = [
    option.repeatable ? "may be repeated" : "",
    defaultText === undefined || option.placeholder === undefined ? "" : `default ${defaultText}`,
    option.flagOnly ? "" : environmentName(option),
  ].filter((part) => part !== "");
  const remarks = more.length === 0 ? "" : `      ${more.join(" · ")}\n`;
  return `  -${option.name}${value}\n      ${option.summary}\n${remarks}`;
}
