/**
 * Reads one line of text as an outcome (docs/protocol/outcomes.md). Pure; never throws.
 *
 *     line  = APPLICATION LOCATION ASSIGNMENT STATUS SECONDS BROUGHT *( name "=" value )
 *
 * Spaces stand between the fields. A value with spaces is in double quotes.
 */

import { type OutcomeDraft, resetOutcome } from "./outcome.ts";
import { finishOutcome, setField } from "./outcome-fields.ts";
import type { NoOutcome, Unreadable } from "./unreadable.ts";

/** The longest line, in bytes, without its LF. */
export const OUTCOME_BYTES_MAX = 2_048;

/** Names of the fields that a line has by their place. */
const PLACES = ["application", "location", "assignment", "status", "seconds", "brought"] as const;

/**
 * Reads `line` into `draft`.
 *
 * @returns undefined if `draft` has the outcome; else why there is none
 */
export function readOutcomeLine(line: string, draft: OutcomeDraft): NoOutcome | undefined {
  resetOutcome(draft);
  if (line.length > OUTCOME_BYTES_MAX) return "long";
  const words = line.includes('"') ? quotedWords(line) : line.split(" ");
  if (words === undefined) return "quote";
  let place = 0;
  for (const word of words) {
    if (word === "") continue;
    const name = PLACES[place];
    const fault = name === undefined ? setWord(draft, word) : setField(draft, name, unescaped(word));
    if (fault !== undefined) return fault;
    place++;
  }
  return place < PLACES.length ? "short" : finishOutcome(draft);
}

/** Reads words of the form `name=value` into `draft`; the first fault, if any of them cannot be read. */
export function setNamedWords(draft: OutcomeDraft, words: readonly string[]): Unreadable | undefined {
  for (const word of words) {
    const fault = setWord(draft, word);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Reads `name=value`. A word of another form is left out, so later versions may add more. */
function setWord(draft: OutcomeDraft, word: string): Unreadable | undefined {
  const equals = word.indexOf("=");
  if (equals <= 0) return undefined;
  return setField(draft, word.slice(0, equals), unescaped(word.slice(equals + 1)));
}

/**
 * The words of a line that has quotes, without these quotes. A quote begins a value only at the beginning of
 * a word, or after the first equals sign. Undefined if a quote has no end.
 */
function quotedWords(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === " ") {
      at++;
      continue;
    }
    const start = at;
    while (at < line.length && line[at] !== " " && line[at] !== '"' && line[at] !== "=") at++;
    if (line[at] === "=") at++;
    const name = line.slice(start, at);
    if (line[at] !== '"' || (name !== "" && !name.endsWith("="))) {
      while (at < line.length && line[at] !== " ") at++;
      words.push(line.slice(start, at));
      continue;
    }
    const end = endOfQuote(line, at + 1);
    if (end < 0) return undefined;
    words.push(name + (line.slice(at + 1, end) || "-"));
    at = end + 1;
  }
  return words;
}

/** The position of the quote that ends a value; -1 if there is none. */
export function endOfQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}

/**
 * Resolves the escapes of nginx, `\x22`, and those of quoted values, `\"`. The form of each field keeps
 * control characters away from it.
 */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:x([0-9A-Fa-f]{2})|(.))/gs, (_, hex: string | undefined, character: string) =>
    hex === undefined ? character : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
