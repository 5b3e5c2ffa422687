/**
 * Flags, environment and file → checked settings, or all problems at once.
 *
 * A pure function of its inputs. What is absent stays distinct from a default, so a default never covers what a file
 * says: flag before environment before file before default.
 */

import { parse as parseToml } from "smol-toml";
import { type Flags, parseFlags } from "./argv.ts";
import { type Option, type Origin, Problem, type Settings } from "./option.ts";
import { configFile } from "./options.ts";
import { nearest } from "./nearest.ts";

export interface Sources {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads the file of `-config`; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
}

export interface Loaded {
  readonly settings: Settings;
  /** The words that are not flags. */
  readonly positionals: readonly string[];
}

/** Everything that is wrong, one message a problem, each with its origin and its remedy. */
export class Problems {
  readonly messages: readonly string[];
  constructor(messages: readonly string[]) {
    this.messages = messages;
  }
}

interface Given {
  readonly texts: readonly string[];
  readonly origin: Origin;
}

/** The name of an option's environment variable. */
export function environmentName(option: Option<unknown>): string {
  return `MAXWELLS_DAEMON_${option.name.replaceAll("-", "_").toUpperCase()}`;
}

/**
 * @param options what is understood here; a file or an environment may also name what only other commands understand
 * @param known   the options of all commands
 */
export function loadSettings(
  sources: Sources,
  options: readonly Option<unknown>[],
  known: readonly Option<unknown>[] = options,
): Loaded | Problems {
  const messages: string[] = [];
  const flags = parseFlags(sources.argv, options);
  reportFlags(flags, options, messages);

  const given = new Map<Option<unknown>, Given>();
  const file = readConfigFile(sources, flags, known, messages);
  for (const option of options) {
    const found = fromFlags(option, flags) ?? fromEnvironment(option, sources.environment) ?? file.get(option.name);
    if (found !== undefined) given.set(option, found);
  }
  reportEnvironment(sources.environment, known, messages);

  const values = new Map<Option<unknown>, unknown>();
  for (const option of options) {
    const { texts, origin } = given.get(option) ?? byDefault(option);
    const value = texts.length === 0 ? option.absent : option.parse(texts);
    if (value instanceof Problem) {
      messages.push(`${origin.text}: ${texts.map((text) => JSON.stringify(text)).join(", ")}: ${value.message}`);
    }
    values.set(option, value);
  }
  if (messages.length > 0) return new Problems(messages);

  const settings: Settings = {
    get<T>(option: Option<T>) {
      if (!values.has(option)) throw new TypeError(`-${option.name} is not an option here`);
      return values.get(option) as T;
    },
    origin: (option) => given.get(option)?.origin ?? byDefault(option).origin,
    isNamed: (option) => given.has(option),
  };
  return { settings, positionals: flags.positionals };
}

function byDefault(option: Option<unknown>): Given {
  const texts = option.defaultText === undefined ? [] : [option.defaultText];
  return { texts, origin: { source: "default", text: `default of -${option.name}` } };
}

function fromFlags(option: Option<unknown>, flags: Flags): Given | undefined {
  const texts = flags.texts.get(option.name);
  return texts && { texts, origin: { source: "flag", text: `flag -${option.name}` } };
}

function fromEnvironment(
  option: Option<unknown>,
  environment: Sources["environment"],
): Given | undefined {
  const name = environmentName(option);
  const text = environment[name];
  if (text === undefined || text === "") return undefined;
  const texts = option.repeatable ? text.split(",").map((part) => part.trim()) : [text];
  return { texts, origin: { source: "environment", text: `environment ${name}` } };
}

/** Reads the file that `-config` or its environment variable names into texts by option name. */
function readConfigFile(
  sources: Sources,
  flags: Flags,
  known: readonly Option<unknown>[],
  messages: string[],
): Map<string, Given> {
  const found = new Map<string, Given>();
  const path = (fromFlags(configFile, flags) ?? fromEnvironment(configFile, sources.environment))?.texts.at(-1);
  if (path === undefined) return found;
  let entries: [string, unknown][];
  try {
    entries = Object.entries(parseToml(sources.readFile(path)));
  } catch (error) {
    messages.push(`file ${path}: ${(error as Error).message.trim()}`);
    return found;
  }
  for (const [name, value] of entries) {
    const origin: Origin = { source: "file", text: `file ${path}: ${name}` };
    const option = known.find((candidate) => candidate.name === name);
    if (option === undefined || option === configFile) {
      messages.push(`${origin.text}: no such setting${nearest(name, known.map((each) => each.name))}`);
      continue;
    }
    const texts = (Array.isArray(value) ? value : [value]).map(textOf);
    if (texts.includes(undefined) || (Array.isArray(value) && !option.repeatable)) {
      messages.push(`${origin.text}: write ${option.repeatable ? "a string or a list of strings" : "one string"}`);
    } else {
      found.set(name, { texts: texts as string[], origin });
    }
  }
  return found;
}

function textOf(value: unknown): string | undefined {
  return ["string", "number", "boolean", "bigint"].includes(typeof value) ? String(value) : undefined;
}

function reportFlags(flags: Flags, options: readonly Option<unknown>[], messages: string[]): void {
  const names = options.map((option) => option.name);
  for (const flag of flags.unknown) {
    messages.push(`flag ${flag}: no such flag${nearest(flag.replace(/^-/, ""), names, "-")}`);
  }
  for (const name of flags.incomplete) {
    const placeholder = options.find((option) => option.name === name)?.placeholder;
    messages.push(`flag -${name}: needs a value: -${name} ${placeholder}`);
  }
}

function reportEnvironment(
  environment: Sources["environment"],
  known: readonly Option<unknown>[],
  messages: string[],
): void {
  const names = known.map(environmentName);
  for (const name of Object.keys(environment)) {
    if (name.startsWith("MAXWELLS_DAEMON_") && !names.includes(name)) {
      messages.push(`environment ${name}: no such setting${nearest(name, names)}`);
    }
  }
}
