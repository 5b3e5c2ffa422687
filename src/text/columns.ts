/** Rows of cells as aligned columns, for a terminal. */

import { oneLine } from "./one-line.ts";

/**
 * Rows as aligned columns, two spaces apart. A cell may contain text from outside, so control characters are
 * escaped: they cannot drive a terminal or forge a row.
 */
export function aligned(rows: readonly (readonly string[])[], indent = ""): string {
  const plain = rows.map((row) => row.map(oneLine));
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

/** The same as `aligned`, with a line of titles on top. Columns that are empty in every row are left out. */
export function columns(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const isUsed = titles.map((_, column) => rows.some((row) => row[column] !== ""));
  return aligned([titles, ...rows].map((row) => row.filter((_, column) => isUsed[column])));
}
