/**
 * Arguments → a command, run with checked settings → an exit status. Nothing here is global: `io` is the
 * world outside, so tests can call this function and read what it printed.
 *
 *     argv ─▶ which command ─▶ help? ─▶ settings, or all problems at once ─▶ run ─▶ exit status
 */

import { parseFlags } from "../config/argv.ts";
import { loadSettings, Problems } from "../config/load.ts";
import { CROSS_CHECKS } from "../daemon/cross-checks.ts";
import { storeFlagsOf } from "../settings/store-flags.ts";
import { StoreError } from "../stores/store.ts";
import { nearest } from "../text/nearest.ts";
import { oneLine, plainLines } from "../text/one-line.ts";
import { quote } from "../text/quote.ts";
import {
  type Command,
  type Io,
  knownOptions,
  knownTables,
  PROGRAM,
  type Program,
  usageOf,
  wordsOf,
} from "./command.ts";
import { COMPLETE, complete } from "./commands/completion/complete.ts";
import { CliError, EXITS } from "./exit.ts";
import { helpPage } from "./help-page.ts";
import { helpFlag } from "./help-parts.ts";
import { COMMANDS } from "./list.ts";
import { sourcesOf } from "./sources.ts";
import { STORE_OPTIONS } from "./with-store.ts";

/** The journal's priority of an error, at the beginning of a line. */
const JOURNAL_ERROR = "<3>";

/**
 * Runs the program.
 *
 * @param argv what follows the program's name
 * @returns one of the statuses of `EXITS`, or the daemon's own; rejects on bugs alone
 */
export async function main(argv: readonly string[], io: Io, program = COMMANDS): Promise<number> {
  try {
    return await dispatch(argv, io, program);
  } catch (error) {
    const known = error instanceof StoreError ? fromStore(error) : error;
    if (!(known instanceof CliError)) throw known;
    const remedy = known.remedy === undefined ? "" : `  ${known.remedy}\n`;
    const text = plainLines(`${PROGRAM}: ${known.message}\n${remedy}`);
    // So that `journalctl -p err` shows why the daemon does not start.
    io.stderr.write(io.stderr.isJournal ? text.replace(/^(?=.)/gm, JOURNAL_ERROR) : text);
    return known.status;
  }
}

async function dispatch(argv: readonly string[], io: Io, program: Program): Promise<number> {
  // The shell's words are not this program's arguments yet: -help among them is a word to complete.
  if (argv[0] === COMPLETE) return complete(argv.slice(1), io, program);
  // Many programs know it.
  if (argv.length === 1 && /^--?version$/.test(argv[0] ?? "")) return dispatch(["version"], io, program);

  const known = knownOptions(program);
  const anyones = parseFlags(argv, [...known, helpFlag]);
  const word = anyones.positionals[0];
  const named = program.commands.find((command) => command.name === word);
  const command = named ?? program.daemon;
  if (anyones.texts.has(helpFlag.name) && (named !== undefined || word === undefined)) {
    io.stdout.write(helpPage(command, program));
    return EXITS.ok.status;
  }

  const { options, tables = [], defaults } = command;
  const checked = new Set(options);
  const reread = () =>
    loadSettings(sourcesOf(argv, io, command), {
      options,
      known,
      tables,
      knownTables: knownTables(program),
      ...(defaults && { defaults }),
      crossChecks: CROSS_CHECKS.filter((check) => check.options.every((option) => checked.has(option))),
    });
  const loaded = reread();
  const problems = loaded instanceof Problems ? [...loaded.messages] : [];
  const words = parseFlags(argv, options).positionals;
  if (named !== undefined) {
    problems.push(...wrongWords(named, words.slice(1), anyones.unknown.length === 0));
  } else if (word !== undefined && (anyones.unknown.length === 0 || word === argv[0])) {
    // A word after an unknown flag is more likely that flag's value than a command.
    problems.push(noSuchCommand(word, program));
  }
  if (problems.length > 0 || loaded instanceof Problems) throw usageError(problems, command);
  const { settings } = loaded;
  const hasStore = STORE_OPTIONS.every((option) => checked.has(option));
  const storeFlags = hasStore ? storeFlagsOf(settings) : [];
  return command.run({ settings, storeFlags, reread, positionals: words.slice(1), io, program });
}

function noSuchCommand(word: string, program: Program): string {
  const names = program.commands.map((command) => command.name);
  if (/^(true|false)$/.test(word))
    return `${word}: write a switch's value after "=", as in -allow-force=${word}`;
  return `${quote(word)}: no such command${nearest(word, names) || `; they are ${names.join(", ")}`}`;
}

/**
 * The problems of a command's arguments. Surplus ones may be values of unknown flags: then they do not count.
 */
function wrongWords(command: Command, words: readonly string[], areCounted: boolean): string[] {
  const problems: string[] = [];
  command.positionals.forEach(({ name, required }, index) => {
    const word = words[index];
    const possible = wordsOf(name);
    if (word === undefined) {
      if (required) problems.push(`${name} is missing; write ${usageOf(command)}`);
    } else if (possible.length > 0 && !possible.includes(word)) {
      problems.push(`${quote(word)}: write one of ${possible.join(", ")}`);
    }
  });
  for (const word of areCounted ? words.slice(command.positionals.length) : []) {
    problems.push(`${quote(word)} is one word too many; write ${usageOf(command)}`);
  }
  return problems;
}

function usageError(problems: readonly string[], command: Command): CliError {
  const page = `${PROGRAM} help${command.name === "" ? "" : ` ${command.name}`}`;
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const list = problems.map((problem) => `\n  ${problem}`).join("");
  return new CliError("usage", `${count}; nothing was done${list}`, `read ${page}`);
}

function fromStore(error: StoreError): CliError {
  const code = error.code === "unavailable" ? "unreachable" : "failed";
  return new CliError(code, oneLine(error.message), undefined, { cause: error });
}
