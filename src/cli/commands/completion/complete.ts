/**
 * The hidden command `__complete`, which the scripts of `completion` call at each press of the Tab key.
 *
 *     maxwells-daemon __complete SHELL WORD… CURRENT
 *
 * It prints the words that may stand in place of CURRENT, one a line, as the shell takes them; or `:files` if
 * CURRENT is the name of a file. It prints nothing else, and never fails: a shell has no place for a message.
 */

import { parseFlags } from "../../../config/argv.ts";
import type { Option } from "../../../config/option.ts";
import { plans } from "../../../releases/named-plans.ts";
import { application } from "../../../settings/application.ts";
import { type Command, type Io, knownOptions, knownTables, type Program, wordsOf } from "../../command.ts";
import { EXITS } from "../../exit.ts";
import { helpFlag } from "../../help-parts.ts";
import { TOPICS } from "../../topics.ts";
import { type Line, settingsOfLine } from "./line.ts";
import { bashPieceOf, type Candidate, joinedWords, lineFor, type Shell } from "./shells.ts";
import { applicationNames, versionNames } from "./stored-names.ts";

export const COMPLETE = "__complete";

/** The line of the answer that asks the shell for names of files. */
const FILES = ":files";

/** Values of these placeholders are names of files. */
const FILE_PLACEHOLDER = /^(PATH|FILE)$/;

export async function complete(argv: readonly string[], io: Io, program: Program): Promise<number> {
  const [shell = "", ...typed] = argv;
  const words = shell === "bash" ? joinedWords(typed) : typed;
  const current = words.at(-1) ?? "";
  const candidates = await candidatesFor(words.slice(0, -1), current, io, program).catch(() => []);
  if (candidates === FILES) {
    io.stdout.write(`${FILES}\n`);
    return EXITS.ok.status;
  }
  const cut = shell === "bash" ? bashPieceOf(current) : 0;
  const lines = candidates
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, meaning }) => `${lineFor(shell as Shell, { word: word.slice(cut), meaning })}\n`);
  io.stdout.write(lines.join(""));
  return EXITS.ok.status;
}

/** All words that may stand behind those before; some do not begin as the current one. */
async function candidatesFor(
  before: readonly string[],
  current: string,
  io: Io,
  program: Program,
): Promise<readonly Candidate[] | typeof FILES> {
  const known = knownOptions(program);
  const { positionals } = parseFlags(before, [...known, helpFlag]);
  const named = program.commands.find(({ name }) => name === positionals[0]);
  const command = named ?? program.daemon;
  const lineWith = (argv: readonly string[]): Line => ({
    argv,
    command,
    io,
    known,
    knownTables: knownTables(program),
  });

  // `-name=` with the beginning of its value, or a value behind the flag.
  const [start = "", joined] = /^--?([^-=][^=]*)=/.exec(current) ?? [];
  const [, last] = /^--?([^-=][^=]*)$/.exec(before.at(-1) ?? "") ?? [];
  const option = optionOf(joined ?? last, command, known);
  if (option?.placeholder !== undefined && (joined !== undefined || option.impliedText === undefined)) {
    const values = await valuesOf(option, lineWith(joined === undefined ? before.slice(0, -1) : before));
    return values === FILES ? FILES : values.map((value) => ({ word: `${start}${value}`, meaning: "" }));
  }

  const flags = flagsOf(command, current.startsWith("--") ? "--" : "-");
  if (current.startsWith("-")) return flags;
  if (named === undefined) return positionals.length > 0 ? [] : [...commandWords(program), ...flags];
  const words = await positionalWords(named, positionals.length - 1, lineWith(before), program);
  return words.length > 0 ? words : flags;
}

/** The option that is meant by a flag's name or letter. A flag of another command is better than none. */
function optionOf(
  word: string | undefined,
  { options }: Command,
  known: readonly Option<unknown>[],
): Option<unknown> | undefined {
  return [...options, ...known].find(
    ({ name, short }) => word !== undefined && (word === name || word === short),
  );
}

async function valuesOf(option: Option<unknown>, line: Line): Promise<readonly string[] | typeof FILES> {
  if (FILE_PLACEHOLDER.test(option.placeholder ?? "")) return FILES;
  if (option === application) return applicationNames(line);
  return wordsOf(option.placeholder);
}

function flagsOf({ options, summaries = {} }: Command, dashes: string): Candidate[] {
  return [...options, helpFlag].map(({ name, summary }) => ({
    word: `${dashes}${name}`,
    meaning: summaries[name] ?? summary,
  }));
}

function commandWords({ commands }: Program): Candidate[] {
  return commands.map(({ name, summary }) => ({ word: name, meaning: summary }));
}

async function positionalWords(
  { positionals }: Command,
  index: number,
  line: Line,
  program: Program,
): Promise<readonly Candidate[]> {
  const name = positionals[index]?.name;
  if (name === "COMMAND") {
    const topics = Object.entries(TOPICS).map(([word, { summary }]) => ({ word, meaning: summary }));
    return [...commandWords(program), ...topics];
  }
  if (name === "PLAN") {
    const named = settingsOfLine(line)?.get(plans) ?? [];
    return named.map(({ name: word, plan }) => ({ word, meaning: plan.text }));
  }
  const words = name === "VERSION" ? await versionNames(line) : wordsOf(name);
  return words.map((word) => ({ word, meaning: "" }));
}
