/** The JSON schema of a setting, made from its option. */

import { DURATION, type JsonSchema, TEXT, textsOf } from "../text/json-schema.ts";
import type { Option } from "./option.ts";

/**
 * The form of a text by the placeholder of its option. A form allows every text that the option can read. Not
 * every editor's patterns are those of JavaScript: taplo refuses the whole schema if a class has a bare `[`.
 */
const FORMS: Readonly<Record<string, JsonSchema>> = {
  DURATION,
  "HOST:PORT": { type: "string", pattern: String.raw`^(none|(\[[0-9a-fA-F:.]+\]|[^:\[\]]*):\d{1,5})$` },
  "ADDRESS:PORT": { type: "string", pattern: String.raw`^(none|.*:\d{1,5})$` },
  MODE: { type: "string", pattern: "^0?[0-7]{3}$" },
  "file:PATH": { type: "string", pattern: "^file:." },
  // A switch with words has all spellings of a switch.
  "on|off": {
    type: "string",
    pattern: "^([Oo][Nn]|[Oo][Ff][Ff]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|0|1)$",
  },
};

/**
 * The schema of an option's value in the configuration file.
 *
 * @param words the texts that are possible; none if others are possible, too
 */
export function optionSchema(option: Option<unknown>, words: readonly string[]): JsonSchema {
  const { placeholder, summary, defaultText, repeatable } = option;
  const description = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  if (placeholder === undefined) return { description, type: "boolean", default: defaultText === "true" };
  const text = FORMS[placeholder] ?? (words.length > 0 ? { type: "string", enum: words } : TEXT);
  const value = repeatable ? textsOf(text) : text;
  return { description, ...value, ...(defaultText !== undefined && { default: defaultText }) };
}
