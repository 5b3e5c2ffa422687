/** Pages of help, made of the commands' tables. */

import { environmentName } from "../config/environment.ts";
import { nearest } from "../config/nearest.ts";
import type { Option } from "../config/option.ts";
import { configFile } from "../config/options.ts";
import { quote } from "../config/quote.ts";
import { single } from "../config/values.ts";
import { aligned } from "../text.ts";
import { type Command, PROGRAM, type Program, usageOf } from "./command.ts";
import { CliError, EXITS } from "./exit.ts";
import { grouped } from "./flag-groups.ts";
import { TOPICS } from "./topics.ts";

/** Understood by every command, before all other flags are looked at. */
export const helpFlag = single(
  { name: "help", summary: "this page", defaultText: "false", flagOnly: true },
  () => true,
);

export const help: Command = {
  name: "help",
  summary: "explain the daemon's flags, a command, or the words that they use",
  positionals: [{ name: "COMMAND", summary: "a command; or words, or stores", required: false }],
  options: [],
  examples: [
    { line: "help set", meaning: "how rollouts are written" },
    { line: "help words", meaning: "what arc, lease, hold and the other words mean" },
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
        `there are ${names.join(", ")}`,
      );
    }
    io.stdout.write(command === undefined ? (topic?.page() ?? "") : helpPage(command, program));
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
      "Pages",
      isDaemon ? Object.entries(TOPICS).map(([name, { summary }]) => [`help ${name}`, summary]) : [],
    ),
    titled(
      "Arguments",
      command.positionals.map(({ name, summary }) => [name, summary]),
    ),
    ...flagsSections(command),
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

function flagsSections({ options, defaults = {} }: Command): string[][] {
  const sections = grouped(options).map(({ title, options: own }) => [
    `${title}:\n`,
    ...own.map((option) => flagLines(option, defaults[option.name] ?? option.defaultText)),
  ]);
  const note =
    "A flag counts before its environment variable, that before the configuration file, and that before the default.\n";
  return options.includes(configFile) ? [...sections, [note]] : sections;
}

function flagLines(option: Option<unknown>, defaultText: string | undefined): string {
  const placeholder = option.impliedText === undefined ? option.placeholder : `[${option.placeholder}]`;
  const value = placeholder === undefined ? "" : ` ${placeholder}`;
  const more = [
    option.repeatable ? "may be repeated" : "",
    defaultText === undefined || option.placeholder === undefined ? "" : `default ${defaultText}`,
    option.flagOnly ? "" : environmentName(option),
  ].filter((part) => part !== "");
  const remarks = more.length === 0 ? "" : `      ${more.join(" · ")}\n`;
  return `  -${option.name}${value}\n      ${option.summary}\n${remarks}`;
}
