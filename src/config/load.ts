/**
 * Flags, environment and file → checked settings, or all problems at once.
 *
 * A pure function of its inputs. A flag counts before the environment, the environment before the file, and
 * the file before the default. An absent text differs from a default, so that a default never hides a text of
 * the file.
 */

import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import { type Flags, parseFlags } from "./argv.ts";
import { configFile } from "./config-file.ts";
import { fromEnvironment, reportEnvironment } from "./environment.ts";
import { readConfigFile } from "./file.ts";
import { type CrossCheck, type Given, type Option, Problem, type Settings, type Tables } from "./option.ts";

export interface Sources {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads the file of `-config`, or the default one; throws if it cannot be read. */
  readonly readFile: (path: string, isDefault: boolean) => string;
  /** The file that is read if no other one is named. It may be absent. */
  readonly defaultFile?: string | undefined;
}

export interface Rules {
  /** The options of this command. If `-config` is not among them, neither environment nor file is read. */
  readonly options: readonly Option<unknown>[];
  /** The options of all commands, which a shared file or environment may also name. */
  readonly known?: readonly Option<unknown>[];
  /** The settings of several tables that this command reads from the file. */
  readonly tables?: readonly Tables<unknown>[];
  /** The same of all commands. A command that does not read a table is not stopped by a mistake in it. */
  readonly knownTables?: readonly Tables<unknown>[];
  readonly crossChecks?: readonly CrossCheck[];
  /** Texts that replace an option's own default, by its name. */
  readonly defaults?: Readonly<Record<string, string>>;
}

/** Settings that also have their texts. */
export interface LoadedSettings extends Settings {
  /** The texts that were given, or the default; empty if there is neither. */
  texts(option: Option<unknown>): readonly string[];
}

export interface Loaded {
  readonly settings: LoadedSettings;
  /** The words that are not flags. */
  readonly positionals: readonly string[];
}

/** All problems. Each has one message, with its origin and its remedy. */
export class Problems {
  readonly messages: readonly string[];
  constructor(messages: readonly string[]) {
    this.messages = messages;
  }
}

export function loadSettings(sources: Sources, rules: Rules): Loaded | Problems {
  const { options, tables = [], crossChecks = [], defaults = {} } = rules;
  const messages: string[] = [];
  const flags = parseFlags(sources.argv, options);
  reportFlags(flags, options, messages);

  const beside = besideFlags(sources, rules, flags, messages);
  const given = new Map<Option<unknown>, Given>();
  const values = new Map<Option<unknown>, unknown>();
  for (const option of options) {
    const found =
      fromFlags(option, flags) ?? beside.option(option) ?? byDefault(option, defaults[option.name]);
    given.set(option, found);
    const problems = problemsOf(option, found);
    if (problems.length > 0) messages.push(...problems);
    else values.set(option, found.texts.length === 0 ? option.absent : option.parse(found.texts));
  }

  for (const table of tables) {
    const found = beside.tables(table);
    given.set(table, found);
    const problems = found.texts.flatMap((text) => table.problemsOf(text));
    messages.push(
      ...problems.map(({ path, message }) => `${found.origin.text}.${quote(path, "")}: ${message}`),
    );
    if (problems.length === 0) values.set(table, table.parse(found.texts));
  }

  const settings = settingsOf(given, values);
  for (const { options: together, check } of crossChecks) {
    if (!together.every((option) => values.has(option))) continue;
    const problem = check(settings);
    if (problem === undefined) continue;
    const named = together.filter((option) => settings.isNamed(option));
    const origins = (named.length > 0 ? named : together).map((option) => settings.origin(option).text);
    messages.push(`${[...new Set(origins)].join(", ")}: ${problem}`);
  }
  return messages.length > 0 ? new Problems(messages) : { settings, positionals: flags.positionals };
}

function settingsOf(
  given: ReadonlyMap<Option<unknown>, Given>,
  values: ReadonlyMap<Option<unknown>, unknown>,
): LoadedSettings {
  function of(option: Option<unknown>): Given {
    const found = given.get(option);
    if (found === undefined) throw new TypeError(`-${option.name} is not an option here`);
    return found;
  }
  return {
    get<T>(option: Option<T>) {
      of(option);
      return values.get(option) as T;
    },
    origin: (option) => of(option).origin,
    texts: (option) => of(option).texts,
    isNamed: (option) => of(option).origin.source !== "default",
  };
}

/** The texts of environment and file. */
interface BesideFlags {
  option(option: Option<unknown>): Given | undefined;
  /** No text if the file has none of its tables. */
  tables(tables: Tables<unknown>): Given;
}

/** Environment and file for a command that reads them, or nothing. */
function besideFlags(
  sources: Sources,
  { options, known = options, tables = [], knownTables = tables }: Rules,
  flags: Flags,
  messages: string[],
): BesideFlags {
  const none = ({ name }: Tables<unknown>): Given => ({
    texts: [],
    origin: { source: "default", text: `default of ${name}` },
  });
  if (!options.includes(configFile)) return { option: () => undefined, tables: none };
  const shared = known.filter((option) => !option.flagOnly);
  reportEnvironment(sources.environment, shared, messages);
  const path =
    fromFlags(configFile, flags) ??
    fromEnvironment(configFile, sources.environment) ??
    byDefault(configFile, sources.defaultFile);
  const inFile = { options: shared, tables: knownTables };
  const file = readConfigFile(path, sources.readFile, inFile, messages);
  return {
    option: (option) => fromEnvironment(option, sources.environment) ?? file.get(option.name),
    tables: (tables) => file.get(tables.name) ?? none(tables),
  };
}

function byDefault(option: Option<unknown>, text = option.defaultText): Given {
  return {
    texts: text === undefined ? [] : [text],
    origin: { source: "default", text: `default of -${option.name}` },
  };
}

function fromFlags(option: Option<unknown>, flags: Flags): Given | undefined {
  const texts = flags.texts.get(option.name);
  return texts && { texts, origin: { source: "flag", text: `flag -${option.name}` } };
}

/**
 * The problems of the texts: of all texts if the option may be repeated, otherwise of the last text, which
 * counts.
 */
function problemsOf(option: Option<unknown>, { texts, origin }: Given): string[] {
  return (option.repeatable ? texts : texts.slice(-1)).flatMap((text) => {
    const value = text.includes("\0") ? new Problem("it holds a NUL byte; remove it") : option.parse([text]);
    return value instanceof Problem
      ? [`${origin.text}: ${quote(option.shown?.(text) ?? text)}: ${value.message}`]
      : [];
  });
}

function reportFlags(flags: Flags, options: readonly Option<unknown>[], messages: string[]): void {
  const names = options.map((option) => option.name);
  for (const flag of flags.unknown) {
    messages.push(`flag ${quote(flag, "")}: no such flag${nearest(flag.replace(/^-+/, ""), names, "-")}`);
  }
  for (const name of flags.incomplete) {
    const placeholder = options.find((option) => option.name === name)?.placeholder;
    messages.push(`flag -${name}: needs a value: -${name} ${placeholder}`);
  }
}
