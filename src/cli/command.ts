/**
 * The contract of a command.
 *
 * A command is a description and a function. Its page of help, the completions of the shells and the checks
 * of its arguments come from the description. So `run` is called with checked settings and the right number
 * of words. It resolves to an exit status, rejects with a `CliError` or a `StoreError` if an operator can
 * mend the failure, and leaves nothing open. A new command is a file in `commands`, and a line in `list.ts`.
 */

import packageJson from "../../package.json" with { type: "json" };
import type { Loaded, LoadedSettings, Problems } from "../config/load.ts";
import type { Option, Tables } from "../config/option.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { ExitCode } from "./exit.ts";

/** A stream that text goes to. */
export interface Output {
  write(text: string): void;
  /** Whether it is a terminal, on which a page may be drawn again. */
  readonly isTerminal?: boolean;
  /** The terminal's size now, in characters; undefined if it is not known. */
  readonly size?: () => { readonly columns: number; readonly rows: number } | undefined;
  /** Whether its reader has ended, as `head` does: then nothing that is written arrives. */
  readonly isGone?: boolean;
  /** Whether systemd's journal reads it. The journal takes a priority at the beginning of a line. */
  readonly isJournal?: boolean;
}

/** The world outside, as far as commands may see it. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether a person types here: both stdin and stdout are terminals. */
  readonly isInteractive?: boolean;
  /** The configuration file that is read if it is there and no other is named. */
  readonly defaultConfigFile?: string;
  /** Calls `stop` at the first Ctrl-C. Without it, Ctrl-C ends the process at once. */
  readonly onInterrupt?: (stop: () => void) => void;
  /** Calls `redraw` each time that the terminal gets another size. Returns a function that ends this. */
  readonly onResize?: (redraw: () => void) => () => void;
}

/** An argument after the command's name. */
export interface Positional {
  /** `VERSION`, or the words that are possible, as `bash|zsh|fish`. */
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
}

export interface Example {
  /** The words after the program's name. */
  readonly line: string;
  readonly meaning: string;
}

/** The arguments of `run`. */
export interface Invocation {
  readonly settings: LoadedSettings;
  /** For the commands that it prints. None if it has no store. */
  readonly storeFlags: StoreFlags;
  /** Reads flags, environment and file once more. */
  readonly reread: () => Loaded | Problems;
  /** As many as the command requires at least, and no more than it knows. */
  readonly positionals: readonly string[];
  readonly io: Io;
  /** All commands, for those that explain the others. */
  readonly program: Program;
}

export interface Command {
  /** Empty for the daemon, which runs if no command is named. */
  readonly name: string;
  readonly summary: string;
  /** More for its page of help, below the summary. */
  readonly description?: string;
  readonly positionals: readonly Positional[];
  readonly options: readonly Option<unknown>[];
  /** The settings of several tables that it reads from the file, if it has `-config`. */
  readonly tables?: readonly Tables<unknown>[];
  /** Other defaults than the options' own, by the option's name. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** The meaning of a shared option in this command, in place of its own summary, by the option's name. */
  readonly summaries?: Readonly<Record<string, string>>;
  readonly examples: readonly Example[];
  /** The exit statuses that only this command and a few others have. */
  readonly exits?: readonly ExitCode[];
  run(invocation: Invocation): Promise<number>;
}

export interface Program {
  readonly daemon: Command;
  readonly commands: readonly Command[];
}

/** The name under which people start it. */
export const PROGRAM = "maxwells-daemon";

export const PROGRAM_VERSION: string = packageJson.version;

/** `maxwells-daemon set VERSION ROLLOUT`, as it is written. */
export function usageOf(command: Command): string {
  const words = command.positionals.map(({ name, required }) => (required ? name : `[${name}]`));
  const name = command.name === "" ? [] : [command.name];
  return [PROGRAM, ...name, ...words, "[-flag value …]"].join(" ");
}

/**
 * The possible words of a placeholder or a positional such as `text|json`. None if any word is possible, or
 * if the placeholder only names what is possible, as `NAME|PID`.
 */
export function wordsOf(placeholder: string | undefined): readonly string[] {
  return placeholder !== undefined && /^[a-z|]*\|[a-z|]*$/.test(placeholder) ? placeholder.split("|") : [];
}

/**
 * The options of all commands, each once. Two commands may have different options of one name: `-wait` is a
 * switch of one, and has a duration in another. The one with a value is last, because the last one counts for
 * a reader of flags that does not know the command yet.
 */
export function knownOptions({ daemon, commands }: Program): readonly Option<unknown>[] {
  const all = [...new Set([daemon, ...commands].flatMap((command) => command.options))];
  const isSwitch = ({ placeholder }: Option<unknown>) => placeholder === undefined;
  return [...all.filter(isSwitch), ...all.filter((option) => !isSwitch(option))];
}

/** The settings of several tables of all commands, each once. */
export function knownTables({ daemon, commands }: Program): readonly Tables<unknown>[] {
  return [...new Set([daemon, ...commands].flatMap(({ tables = [] }) => tables))];
}
