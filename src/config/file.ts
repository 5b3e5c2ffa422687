/**
 * Options in a TOML file, under the same names. Values are strings; switches are true or false; an option
 * that may be repeated can be a list. Settings of several tables, such as `[plans.checkout]`, are only here.
 */

import { parse as parseToml } from "smol-toml";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import { type Given, type Option, type Origin, type Tables, tableText } from "./option.ts";

/** A larger file is not a configuration, but was named by mistake. */
const FILE_CHARACTERS_MAX = 1_048_576;

/** The settings that a file may have. */
export interface Known {
  readonly options: readonly Option<unknown>[];
  readonly tables: readonly Tables<unknown>[];
}

/**
 * Reads the file at `path`. Returns texts by option name, and the path itself as `config`. Adds all problems
 * to `messages`. The default file may be absent, and `none` reads no file.
 */
export function readConfigFile(
  path: Given,
  readFile: (path: string, isDefault: boolean) => string,
  known: Known,
  messages: string[],
): ReadonlyMap<string, Given> {
  const found = new Map<string, Given>();
  const name = path.texts.at(-1);
  // An impossible path is a problem of the setting `config`, and is reported with all others.
  if (name === undefined || name === "none" || name === "" || name.includes("\0")) return found;
  const isDefault = path.origin.source === "default";
  const where = `file ${quote(name, "")}`;
  let entries: [string, unknown][];
  try {
    entries = Object.entries(parseText(readFile(name, isDefault)));
  } catch (error) {
    if (isDefault && (error as NodeJS.ErrnoException).code === "ENOENT") return found;
    messages.push(`${where} (from ${path.origin.text}): ${explain(error, isDefault)}`);
    return found;
  }
  found.set("config", path);
  for (const [key, value] of entries) {
    const origin: Origin = { source: "file", text: `${where}: ${quote(key, "")}` };
    const read = textsOfKey(key, value, known);
    if (typeof read === "string") messages.push(`${origin.text}: ${read}`);
    else found.set(key, { texts: read, origin });
  }
  return found;
}

/** The texts of one key of the file, or its problem. */
function textsOfKey(key: string, value: unknown, { options, tables }: Known): readonly string[] | string {
  if (key === "config") return "a configuration file cannot name another one; remove this key";
  const option = options.find(({ name }) => name === key);
  if (option !== undefined) return textsOf(option, value) ?? `write ${wanted(option)}`;
  if (tables.some(({ name }) => name === key)) {
    return textsOfTables(value) ?? `write tables, each with a name: [${key}.NAME]`;
  }
  const names = [...options, ...tables].map(({ name }) => name);
  return `no such setting${nearest(key, names)}`;
}

function textsOfTables(value: unknown): readonly string[] | undefined {
  if (!isTable(value)) return undefined;
  const named = Object.entries(value);
  if (!named.every(([, table]) => isTable(table))) return undefined;
  return named.map(([name, table]) => tableText(name, table as object));
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function parseText(text: string): Record<string, unknown> {
  if (text.length > FILE_CHARACTERS_MAX) {
    throw new Error(`it is longer than ${FILE_CHARACTERS_MAX} characters; name a configuration file`);
  }
  return parseToml(text);
}

/** The texts of a value; undefined if the value is of the wrong type. */
function textsOf(option: Option<unknown>, value: unknown): readonly string[] | undefined {
  if (option.placeholder === undefined) return typeof value === "boolean" ? [String(value)] : undefined;
  const values: readonly unknown[] = option.repeatable && Array.isArray(value) ? value : [value];
  return values.every((each) => typeof each === "string") ? values : undefined;
}

/**
 * The form that a value must have. Numbers are refused: TOML reads a mode of 0o660 as 432, and a delay of 4
 * has no unit.
 */
function wanted(option: Option<unknown>): string {
  if (option.placeholder === undefined) return "true or false, without quotes";
  return option.repeatable ? 'a string or a list of strings, in quotes: ["a", "b"]' : "a string, in quotes";
}

function explain(error: unknown, isDefault: boolean): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file; write its path, or leave -config away";
  if (code === "EISDIR") return "this is a directory; write the path of a TOML file";
  if (code === "EACCES") {
    return isDefault
      ? "this user may not read it; use sudo, or -config none to read no file"
      : "this user may not read it; let the daemon's user read it";
  }
  // The other lines of a TOML error quote the file, and a store's address may hold a password.
  const { line, column } = error as { line?: number; column?: number };
  const [first = ""] = String(message).trim().split("\n");
  return line === undefined ? first : `${first} (line ${line}, column ${column})`;
}
