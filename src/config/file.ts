/**
 * Options in a TOML file, under the same names. Values are strings; switches are true or false; an option
 * that may be repeated can be a list.
 */

import { parse as parseToml } from "smol-toml";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import type { Given, Option, Origin } from "./option.ts";

/** A larger file is not a configuration, but was named by mistake. */
const FILE_CHARACTERS_MAX = 1_048_576;

/**
 * Reads the file at `path`. Returns texts by option name, and the path itself as `config`. Adds all problems
 * to `messages`. The default file may be absent, and `none` reads no file.
 */
export function readConfigFile(
  path: Given,
  readFile: (path: string, isDefault: boolean) => string,
  known: readonly Option<unknown>[],
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
    const option = known.find((candidate) => candidate.name === key);
    if (key === "config") {
      messages.push(`${origin.text}: a configuration file cannot name another one; remove this key`);
    } else if (option === undefined) {
      messages.push(
        `${origin.text}: no such setting${nearest(
          key,
          known.map((each) => each.name),
        )}`,
      );
    } else {
      const texts = textsOf(option, value);
      if (texts === undefined) messages.push(`${origin.text}: write ${wanted(option)}`);
      else found.set(key, { texts, origin });
    }
  }
  return found;
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
