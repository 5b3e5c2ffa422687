/** A command's page of help, made from the command's description. */

import { aligned } from "../text/columns.ts";
import { type Command, type Example, PROGRAM, type Program } from "./command.ts";
import { type FlagPart, type HelpParts, helpParts } from "./help-parts.ts";

/** The order in which the sources of a setting count. */
export const SOURCES_NOTE =
  "A flag overrides its environment variable, which overrides the configuration file, which overrides the default.";

/** The page of one command; the daemon's also lists all others, and the exit statuses. */
export function helpPage(command: Command, program: Program): string {
  const parts = helpParts(command, program);
  const [usage, ...others] = parts.usages;
  const sections = [
    [`${PROGRAM}${command.name === "" ? "" : ` ${command.name}`}: ${parts.summary}\n`],
    ["Usage:\n", `  ${usage}\n`, ...others.map((each) => `  ${each}\n`)],
    parts.description === undefined ? [] : [`${parts.description}\n`],
    titled("Commands", parts.commands),
    titled("Pages", parts.pages),
    titled("Arguments", parts.positionals),
    ...flagsSections(parts),
    examplesSection(parts.examples),
    titled("Exit status", parts.exits),
    [`${PROGRAM} help words explains arc, offset, lease and the other words.\n`],
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.join(""))
    .join("\n");
}

/** The meaning stands below its line, because lines may be long. */
function examplesSection(examples: readonly Example[]): string[] {
  if (examples.length === 0) return [];
  return ["Examples:\n", ...examples.map(({ line, meaning }) => `  ${PROGRAM} ${line}\n      ${meaning}\n`)];
}

function titled(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`${title}:\n`, aligned(rows, "  ")];
}

function flagsSections({ flags, hasFile }: HelpParts): string[][] {
  const sections = flags.map(({ title, flags: own }) => [`${title}:\n`, ...own.map(flagLines)]);
  return hasFile ? [...sections, [`${SOURCES_NOTE}\n`]] : sections;
}

function flagLines({ name, short, value, summary, remarks }: FlagPart): string {
  const names = `-${name}${short === undefined ? "" : `, -${short}`}`;
  const line = remarks.length === 0 ? "" : `      ${remarks.join(" · ")}\n`;
  return `  ${names}${value === undefined ? "" : ` ${value}`}\n      ${summary}\n${line}`;
}
