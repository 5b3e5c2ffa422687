/**
 * One setting: its name, how its text is read, and what it means. All flags, environment variables, keys of the file,
 * pages of help and checks come from these objects, and an `Option<T>` is also the typed key of its value.
 */

/** What is wrong with a text, in words that end in the remedy: `write a duration such as 4s or 500ms`. */
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
  /** How its value is called in help: `DURATION`. Absent for a switch. */
  readonly placeholder?: string;
  /** One line for help. */
  readonly summary: string;
  /** The text that a flag stands for without a value, if it may stand so: then it takes the next word only if it can read it. */
  readonly impliedText?: string;
  /** The text that counts where nobody says anything. Undefined: the value is `absent`. */
  readonly defaultText?: string;
  /** What counts where there is neither a text nor a default. */
  readonly absent?: T;
  /** Belongs to one run of a command: neither the environment nor a file may give it. */
  readonly flagOnly?: boolean;
  /** Whether it may be given several times; its value is then a list, and `parse` reads all texts. */
  readonly repeatable?: boolean;
  /** Reads the texts that were given, one unless it is repeatable. */
  parse(texts: readonly string[]): T | Problem;
}

/** Where a value came from, for messages: `flag -delay`, `environment MAXWELLS_DAEMON_DELAY`, `/etc/md.toml`, `default`. */
export interface Origin {
  readonly source: "flag" | "environment" | "file" | "default";
  readonly text: string;
}

/** What one source says about one option. */
export interface Given {
  readonly texts: readonly string[];
  readonly origin: Origin;
}

/**
 * What several settings have to keep together. It is asked only where each of them is sound by itself, and reported
 * beside all other problems.
 */
export interface CrossCheck {
  readonly options: readonly Option<unknown>[];
  /** What is wrong, in words that end in the remedy. */
  check(settings: Pick<Settings, "get" | "isNamed">): string | undefined;
}

/** The checked values of all options. */
export interface Settings {
  get<T>(option: Option<T>): T;
  origin(option: Option<unknown>): Origin;
  /** Whether an operator asked for it by name, rather than leaving the default. */
  isNamed(option: Option<unknown>): boolean;
}
