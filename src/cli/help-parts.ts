/** The parts of a command's page of help, as data: for the page itself, and for the manual. */

import { configFile } from "../config/config-file.ts";
import { environmentName } from "../config/environment.ts";
import type { Option } from "../config/option.ts";
import { single } from "../config/values.ts";
import { type Command, type Example, PROGRAM, type Program, usageOf } from "./command.ts";
import { EXITS, type ExitCode } from "./exit.ts";
import { grouped } from "./flag-groups.ts";
import { TOPICS } from "./topics.ts";

/** Every command understands it, and it wins over all other flags. */
export const helpFlag = single(
  { name: "help", short: "h", summary: "this page", defaultText: "false", flagOnly: true },
  () => true,
);

/** A word, and its meaning. */
export type Row = readonly [word: string, meaning: string];

export interface FlagPart {
  readonly name: string;
  readonly short: string | undefined;
  /** The placeholder, in brackets if the value may be left out; undefined for a switch. */
  readonly value: string | undefined;
  readonly summary: string;
  /** Whether it may be given again, its default, and its variable. */
  readonly remarks: readonly string[];
}

export interface HelpParts {
  readonly summary: string;
  /** The forms of the whole line. */
  readonly usages: readonly string[];
  /** Lines; those that begin with two spaces are an example or a table. */
  readonly description: string | undefined;
  /** Commands and further pages, on the daemon's page alone. */
  readonly commands: readonly Row[];
  readonly pages: readonly Row[];
  readonly positionals: readonly Row[];
  readonly flags: readonly { readonly title: string; readonly flags: readonly FlagPart[] }[];
  /** Whether its settings also come from the environment and the file. */
  readonly hasFile: boolean;
  readonly examples: readonly Example[];
  readonly exits: readonly Row[];
}

export function helpParts(command: Command, program: Program): HelpParts {
  const isDaemon = command === program.daemon;
  const topics = Object.entries(TOPICS);
  return {
    summary: command.summary,
    usages: [usageOf(command), ...(isDaemon ? [`${PROGRAM} COMMAND …`] : [])],
    description: command.description,
    commands: isDaemon ? program.commands.map(({ name, summary }) => [name, summary]) : [],
    pages: isDaemon ? topics.map(([name, { summary }]) => [`help ${name}`, summary]) : [],
    positionals: command.positionals.map(({ name, summary }) => [name, summary]),
    flags: flagsOf(command),
    hasFile: command.options.includes(configFile),
    examples: command.examples,
    exits: exitsOf(command, program),
  };
}

function flagsOf({ options, defaults = {}, summaries = {} }: Command): HelpParts["flags"] {
  return grouped(options).map(({ title, options: own }) => ({
    title,
    flags: own.map((option) => {
      const { name, summary, defaultText } = option;
      return flagPart({ ...option, summary: summaries[name] ?? summary }, defaults[name] ?? defaultText);
    }),
  }));
}

function flagPart(option: Option<unknown>, defaultText: string | undefined): FlagPart {
  const { name, short, placeholder, summary } = option;
  const remarks = [
    option.repeatable ? "may be repeated" : "",
    defaultText === undefined || placeholder === undefined ? "" : `default ${defaultText}`,
    option.flagOnly ? "" : environmentName(option),
  ].filter((part) => part !== "");
  const value = option.impliedText === undefined ? placeholder : `[${placeholder}]`;
  return { name, short, value, summary, remarks };
}

/** The daemon's page has all of them; a command's page leaves out those that only other commands have. */
function exitsOf(command: Command, { daemon, commands }: Program): Row[] {
  const special = new Set(commands.flatMap(({ exits = [] }) => exits));
  return (Object.keys(EXITS) as ExitCode[])
    .filter((code) => command === daemon || !special.has(code) || command.exits?.includes(code))
    .map((code) => EXITS[code])
    .sort((a, b) => a.status - b.status)
    .map(({ status, meaning }) => [String(status), meaning]);
}
