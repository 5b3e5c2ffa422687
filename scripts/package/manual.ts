/**
 * The pages of the manual, `maxwells-daemon(1)` and one for each command, made from the same descriptions as
 * the pages of help.
 *
 *     bun scripts/package/manual.ts DIRECTORY        writes the pages, to be read by `man -l`
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, PROGRAM, PROGRAM_VERSION, type Program } from "../../src/cli/command.ts";
import { SOURCES_NOTE } from "../../src/cli/help-page.ts";
import { type FlagPart, type HelpParts, helpParts, type Row } from "../../src/cli/help-parts.ts";
import { COMMANDS } from "../../src/cli/list.ts";
import { WORDS } from "../../src/cli/topics.ts";
import { DEFAULT_CONFIG_FILE } from "../../src/config/config-file.ts";
import { STORES } from "../../src/stores/list.ts";
import { moduleStore } from "../../src/stores/module.ts";
import { filled, heading, literal, rows } from "./roff.ts";
import { sourceDate } from "./source-date.ts";

const STORE_ROWS: readonly Row[] = [...STORES, moduleStore].map(({ usage, summary }) => [usage, summary]);

/** All pages: the text by the file's name, such as `maxwells-daemon-set.1`. */
export function manualPages(program: Program, date: Date): ReadonlyMap<string, string> {
  const commands = [program.daemon, ...program.commands];
  return new Map(commands.map((command) => [`${pageName(command)}.1`, page(command, program, date)]));
}

function pageName({ name }: Command): string {
  return name === "" ? PROGRAM : `${PROGRAM}-${name}`;
}

function page(command: Command, program: Program, date: Date): string {
  const parts = helpParts(command, program);
  const name = pageName(command);
  const day = date.toISOString().slice(0, 10);
  return [
    `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 ${day} "${PROGRAM} ${PROGRAM_VERSION}"\n`,
    heading("Name"),
    // The form that `whatis` reads.
    filled(`${name} - ${parts.summary}`),
    heading("Synopsis"),
    literal(parts.usages),
    description(parts.description),
    titled("Commands", parts.commands),
    titled("Arguments", parts.positionals),
    ...flags(parts),
    ...(command === program.daemon ? [titled("Stores", STORE_ROWS), titled("Words", WORDS)] : []),
    titled(
      "Files",
      parts.hasFile ? [[DEFAULT_CONFIG_FILE, "the settings of the daemon and of all commands"]] : [],
    ),
    titled("Exit status", parts.exits),
    titled(
      "Examples",
      parts.examples.map(({ line, meaning }) => [`${PROGRAM} ${line}`, meaning]),
    ),
    heading("See also"),
    seeAlso(command, program),
  ].join("");
}

/** Lines that begin with two spaces are an example or a table, and stay as they are. */
function description(text: string | undefined): string {
  if (text === undefined) return "";
  const parts: string[] = [];
  for (const [, tableLines, prose] of text.matchAll(/((?:^ {2}.*(?:\n|$))+)|((?:^(?! {2}).*(?:\n|$))+)/gm)) {
    if (tableLines !== undefined) parts.push(literal(tableLines.trimEnd().split("\n")));
    else if (prose !== undefined && prose.trim() !== "") parts.push(filled(prose));
  }
  return heading("Description") + parts.join(".PP\n");
}

function titled(title: string, list: readonly Row[]): string {
  return list.length === 0 ? "" : heading(title) + rows(list);
}

function flags({ flags: groups, hasFile }: HelpParts): string[] {
  if (groups.length === 0) return [];
  const sections = groups.map(({ title, flags: own }) => {
    const list = rows(own.map(flagRow));
    return title === "Flags" ? list : `.SS ${title}\n${list}`;
  });
  return [heading("Flags"), ...sections, hasFile ? `.PP\n${filled(SOURCES_NOTE)}` : ""];
}

function flagRow({ name, short, value, summary, remarks }: FlagPart): Row {
  const names = short === undefined ? `-${name}` : `-${name}, -${short}`;
  const more = remarks.length === 0 ? "" : ` (${remarks.join("; ")})`;
  return [value === undefined ? names : `${names} ${value}`, `${summary}${more}`];
}

/** The page of the daemon names all others, and every other page names that one. */
function seeAlso(command: Command, { daemon, commands }: Program): string {
  const others = command === daemon ? commands : [daemon];
  const names = others.map((each) => `.BR ${pageName(each).replaceAll("-", "\\-")} (1)`);
  return `${names.join(" ,\n")}\n`;
}

if (import.meta.main) {
  const [directory = "dist/man"] = process.argv.slice(2);
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of manualPages(COMMANDS, sourceDate())) writeFileSync(join(directory, name), text);
}
