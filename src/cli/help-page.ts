/** A command's page of help, made from the command's description. */

import { configFile } from "../config/config-file.ts";
import { environmentName } from "../config/environment.ts";
import type { Option } from "../config/option.ts";
import { single } from "../config/values.ts";
import { aligned } from "../text/columns.ts";
import { type Command, PROGRAM, type Program, usageOf } from "./command.ts";
import { EXITS, type ExitCode } from "./exit.ts";
import { grouped } from "./flag-groups.ts";
import { TOPICS } from "./topics.ts";

/** Every command understands it, and it wins over all other flags. */
export const helpFlag = single(
  { name: "help", short: "h", summary: "this page", defaultText: "false", flagOnly: true },
  () => true,
);

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
    examplesSection(command),
    titled("Exit status", exitsOf(command, program)),
    [`${PROGRAM} help words explains arc, offset, lease and the other words.\n`],
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.join(""))
    .join("\n");
}

/** The meaning stands below its line, because lines may be long. */
function examplesSection({ examples }: Command): string[] {
  if (examples.length === 0) return [];
  return ["Examples:\n", ...examples.map(({ line, meaning }) => `  ${PROGRAM} ${line}\n      ${meaning}\n`)];
}

/** The daemon's page has all of them; a command's page leaves out those that only other commands have. */
function exitsOf(command: Command, { daemon, commands }: Program): string[][] {
  const special = new Set(commands.flatMap(({ exits = [] }) => exits));
  return (Object.keys(EXITS) as ExitCode[])
    .filter((code) => command === daemon || !special.has(code) || command.exits?.includes(code))
    .map((code) => EXITS[code])
    .sort((a, b) => a.status - b.status)
    .map(({ status, meaning }) => [String(status), meaning]);
}

function titled(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`${title}:\n`, aligned(rows, "  ")];
}

function flagsSections({ options, defaults = {}, summaries = {} }: Command): string[][] {
  const sections = grouped(options).map(({ title, options: own }) => [
    `${title}:\n`,
    ...own.map((option) => {
      const { name, summary, defaultText } = option;
      return flagLines({ ...option, summary: summaries[name] ?? summary }, defaults[name] ?? defaultText);
    }),
  ]);
  const note =
    "A flag overrides its environment variable, which overrides the configuration file, which overrides the default.\n";
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
  const short = option.short === undefined ? "" : `, -${option.short}`;
  return `  -${option.name}${short}${value}\n      ${option.summary}\n${remarks}`;
}
