/**
 * One setting: its name, the way that its text is read, and its meaning. All flags, environment variables,
 * keys of the file, pages of help and checks come from these objects. An `Option<T>` is also the typed key of
 * its value.
 */

import type { JsonSchema } from "../text/json-schema.ts";

/** The problem of a text, in words that end in the remedy: `write a duration such as 4s or 500ms`. */
export class Problem {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export interface Option<T> {
  /** Without dashes: `state-dir`. */
  readonly name: string;
  /** One letter that means the same flag: `m` for `message`. */
  readonly short?: string;
  /** The name of its value in help: `DURATION`. Absent for a switch. */
  readonly placeholder?: string;
  /** One line for help. */
  readonly summary: string;
  /**
   * The text of a flag that stands alone, if it may stand alone. Such a flag takes the next word only if it
   * can read it.
   */
  readonly impliedText?: string;
  /** The text that counts if no source gives one. Undefined: the value is `absent`. */
  readonly defaultText?: string;
  /** The value if there is neither a text nor a default. */
  readonly absent?: T;
  /** Whether only a flag may give it, because it belongs to one run of a command. */
  readonly flagOnly?: boolean;
  /** Whether it may be given several times; its value is then a list, and `parse` reads all texts. */
  readonly repeatable?: boolean;
  /** A text as people may see it. Absent if a text is at most an address with a password. */
  readonly shown?: (text: string) => string;
  /** Reads the texts that were given, one unless it is repeatable. */
  parse(texts: readonly string[]): T | Problem;
}

/** A mistake within one table of the file. */
export interface KeyProblem {
  /** The path below the setting: `checkout.steps`. */
  readonly path: string;
  /** In words that end in the remedy. */
  readonly message: string;
}

/**
 * A setting that has several tables, each with a name: `[plans.checkout]`. Only the file can give it, because
 * no flag and no variable has room for a table. It has one text for each table, made by `tableText`.
 */
export interface Tables<T> extends Option<readonly T[]> {
  /** The JSON schema of all tables together. It allows each one that `parse` can read. */
  readonly schema: JsonSchema;
  /** All problems of one table; none if `parse` can read it. */
  problemsOf(text: string): readonly KeyProblem[];
}

/** One named table as a text. */
export function tableText(name: string, table: object): string {
  return JSON.stringify([name, table]);
}

/** The name and the values of a text that `tableText` made. */
export function readTableText(
  text: string,
): readonly [name: string, table: Readonly<Record<string, unknown>>] {
  return JSON.parse(text);
}

/**
 * The source of a value, for messages: `flag -delay`, `environment MAXWELLS_DAEMON_DELAY`, `/etc/md.toml`,
 * `default`.
 */
export interface Origin {
  readonly source: "flag" | "environment" | "file" | "default";
  readonly text: string;
}

/** The texts that one source gives to one option. */
export interface Given {
  readonly texts: readonly string[];
  readonly origin: Origin;
}

/**
 * A rule that several settings must keep together. It is checked only if each of them is sound by itself. Its
 * problem is reported with all others.
 */
export interface CrossCheck {
  readonly options: readonly Option<unknown>[];
  /** The problem, in words that end in the remedy; undefined if there is none. */
  check(settings: Pick<Settings, "get" | "isNamed" | "origin">): string | undefined;
}

/** The checked values of all options. */
export interface Settings {
  get<T>(option: Option<T>): T;
  origin(option: Option<unknown>): Origin;
  /** Whether the operator named it, and did not leave the default. */
  isNamed(option: Option<unknown>): boolean;
}
