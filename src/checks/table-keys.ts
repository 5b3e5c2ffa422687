/** Reads the keys of one table of the configuration file, and reports every mistake with its remedy. */

import { Problem } from "../config/option.ts";
import { parseDuration } from "../config/values.ts";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import { parseSource, type Source } from "./secret.ts";

/** Takes the mistake of one key. */
export type Report = (key: string, message: string) => void;

/** The range of a duration in milliseconds, with its words for people. */
export interface DurationRange {
  readonly minMs: number;
  readonly maxMs: number;
  readonly words: string;
}

/** A key that is absent, or wrong and reported, is undefined. */
export class TableKeys {
  readonly #table: Readonly<Record<string, unknown>>;
  readonly #report: Report;

  constructor(table: Readonly<Record<string, unknown>>, report: Report) {
    this.#table = table;
    this.#report = report;
  }

  report(key: string, message: string): undefined {
    this.#report(key, message);
  }

  isSet(key: string): boolean {
    return this.#table[key] !== undefined;
  }

  /** Reports the keys that are not among these. */
  reportOthers(names: readonly string[]): void {
    for (const key of Object.keys(this.#table)) {
      if (names.includes(key)) continue;
      this.report(key, `no such key${nearest(key, names) || `; they are ${names.join(", ")}`}`);
    }
  }

  /** A key that must be there. */
  required<T>(key: string, example: string, read: (key: string) => T | undefined): T | undefined {
    return this.isSet(key)
      ? read(key)
      : this.report(key, `this key is missing; write it, such as ${example}`);
  }

  /** @param parse its problem is reported */
  text<T = string>(key: string, parse: (text: string) => T | Problem): T | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    if (typeof value !== "string" || value === "") return this.report(key, "write a string, in quotes");
    const read = parse(value);
    return read instanceof Problem ? this.report(key, read.message) : read;
  }

  word<T extends string>(key: string, words: readonly T[]): T | undefined {
    return this.text(key, (text) => {
      const found = words.find((word) => word === text);
      return found ?? new Problem(`${quote(text)}: write ${words.join(", ")}${nearest(text, words)}`);
    });
  }

  durationMs(key: string, { minMs, maxMs, words }: DurationRange): number | undefined {
    return this.text(key, (text) => {
      const ms = parseDuration(text);
      if (ms instanceof Problem) return new Problem(`${quote(text)}: ${ms.message}`);
      return ms >= minMs && ms <= maxMs ? ms : new Problem(`${quote(text)}: write a duration ${words}`);
    });
  }

  /** A whole number, with or without quotes. */
  count(key: string, min: number, max: number): number | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    const isNumber = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
    const count = isNumber ? Number(value) : Number.NaN;
    if (Number.isInteger(count) && count >= min && count <= max) return count;
    return this.report(key, `write a whole number from ${min} to ${max}`);
  }

  /** A table of texts; numbers and switches count as text. Empty if it is absent. */
  texts(key: string): Readonly<Record<string, string>> {
    const value = this.#table[key] ?? {};
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) {
      this.report(key, 'write a table of strings: { name = "value" }');
      return {};
    }
    const found: Record<string, string> = {};
    for (const [name, each] of Object.entries(value)) {
      if (["string", "number", "boolean"].includes(typeof each)) found[name] = String(each);
      else this.report(`${key}.${name}`, "write a string, in quotes");
    }
    return found;
  }

  /** The source of a secret, which may not stand in the file itself. */
  source(key: string): Source | undefined {
    return this.text(key, (text) => {
      const source = parseSource(text);
      return source instanceof Problem || source.from !== "text"
        ? source
        : new Problem("write env:NAME or file:PATH, because a secret does not belong into this file");
    });
  }
}
