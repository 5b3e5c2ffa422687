/** What commands print: aligned text for people, JSON for programs. */

import { Problem } from "../config/option.ts";
import { single } from "../config/values.ts";
import type { Invocation, Output } from "./command.ts";

export const output = single<"text" | "json">(
  {
    name: "output",
    placeholder: "text|json",
    summary: "aligned text, or JSON; -o for short",
    defaultText: "text",
    flagOnly: true,
  },
  (text) => (text === "text" || text === "json" ? text : new Problem("write text or json")),
);

/** Prints `value` where JSON was asked for, and `text` otherwise. */
export function print({ io, settings }: Invocation, value: unknown, text: () => string): void {
  if (settings.get(output) === "json") printJson(io.stdout, value);
  else io.stdout.write(text());
}

function printJson(stdout: Output, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/**
 * Rows as aligned columns, two spaces apart. What others wrote may stand in a cell: control characters are escaped,
 * so that none drives a terminal or forges a row.
 */
export function aligned(rows: readonly (readonly string[])[], indent = ""): string {
  const plain = rows.map((row) => row.map(plainText));
  const widths: number[] = [];
  for (const row of plain) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return plain
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `${indent}${line.trimEnd()}\n`)
    .join("");
}

/** A text from elsewhere, with its control characters escaped. */
export function plainText(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

/** As `aligned`, under a line of titles; columns in which no row has anything are left out. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const isUsed = titles.map((_, column) => rows.some((row) => row[column] !== ""));
  return aligned([titles, ...rows].map((row) => row.filter((_, column) => isUsed[column])));
}
