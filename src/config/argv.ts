/** Reads flags as in 2016: `-name value`, `-name=value` or `--name value`. `node:util` does the parsing. */

import { parseArgs } from "node:util";
import { type Option, Problem } from "./option.ts";

export interface Flags {
  /** The texts given to each option, by its name. A switch without a value has the text `true`. */
  readonly texts: ReadonlyMap<string, string[]>;
  readonly positionals: readonly string[];
  /** Flags that no option knows, as they were written. */
  readonly unknown: readonly string[];
  /** Options that need a value and have none, because they are the last word. */
  readonly incomplete: readonly string[];
}

/** Splits an argument vector into flags and the rest; never throws. */
export function parseFlags(argv: readonly string[], options: readonly Option<unknown>[]): Flags {
  const byName = new Map(options.map((option) => [option.name, option]));
  const byWord = new Map(options.flatMap((option) => wordsOf(option).map((word) => [word, option] as const)));
  const { tokens } = parseArgs({
    args: withTwoDashes(argv, byWord),
    options: Object.fromEntries(
      options.map((option) => [
        option.name,
        {
          type: option.placeholder === undefined ? ("boolean" as const) : ("string" as const),
          multiple: true,
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const texts = new Map<string, string[]>();
  const positionals: string[] = [];
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const token of tokens ?? []) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = byName.get(token.name);
    if (option === undefined) {
      unknown.push(token.rawName.replace(/^--/, "-"));
    } else if (option.placeholder !== undefined && token.value === undefined) {
      incomplete.push(token.name);
    } else {
      texts.set(token.name, [...(texts.get(token.name) ?? []), token.value ?? "true"]);
    }
  }
  return { texts, positionals, unknown, incomplete };
}

/** The names of a flag without dashes: `message`, `m`. */
function wordsOf({ name, short }: Option<unknown>): readonly string[] {
  return short === undefined ? [name] : [name, short];
}

/**
 * Changes `-name` to `--name`, and `-n` to the whole name, and joins each value to its flag. So a value that
 * begins with a dash stays a value, and several letters behind one dash are a name. Go does the same.
 *
 * @param options by their names and by their letters
 */
function withTwoDashes(argv: readonly string[], options: ReadonlyMap<string, Option<unknown>>): string[] {
  const result: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string;
    if (argument === "--") return [...result, ...argv.slice(i)];
    const match = /^--?([^-=][^=]*)(=.*)?$/s.exec(argument);
    if (match === null) {
      result.push(argument);
      continue;
    }
    const option = options.get(match[1] as string);
    const name = option?.name ?? match[1];
    const takesNext = option?.placeholder !== undefined && match[2] === undefined;
    if (takesNext && i + 1 < argv.length && mayTake(option, argv[i + 1] as string)) {
      i++;
      result.push(`--${name}=${argv[i]}`);
    } else if (takesNext && option.impliedText !== undefined) {
      result.push(`--${name}=${option.impliedText}`);
    } else {
      result.push(`--${name}${match[2] ?? ""}`);
    }
  }
  return result;
}

/**
 * Whether the word behind a flag is its value. A flag that can stand alone takes the word only if it can read
 * it.
 */
function mayTake(option: Option<unknown>, word: string): boolean {
  return option.impliedText === undefined || !(option.parse([word]) instanceof Problem);
}
