/** Text for people: aligned columns, safe characters, durations, percentages, errors, words of a shell. */

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

/**
 * Characters that can drive a terminal, end a line or turn the direction of writing: all control characters,
 * including those above U+0080, the separators of lines and paragraphs, and the marks of bidirectional text.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A text from outside as one safe line: characters that could drive a terminal are escaped as in JSON. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** The same for a text of several lines: line feeds are kept. */
export function plainLines(text: string): string {
  return text.replace(UNSAFE, (character) => (character === "\n" ? character : escaped(character)));
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  return short !== character ? short : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The same as `aligned`, with a line of titles on top. Columns that are empty in every row are left out. */
export function columns(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const isUsed = titles.map((_, column) => rows.some((row) => row[column] !== ""));
  return aligned([titles, ...rows].map((row) => row.filter((_, column) => isUsed[column])));
}

/** `350ms`, `4.2s`, `3m10s`, `5h02m`, `3d4h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** A fraction as a percentage, such as `5%`. */
export function rolloutText(rollout: number): string {
  return `${Number((rollout * 100).toPrecision(12))}%`;
}

/** The message of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Quotes any text as one word of a shell command, so that an operator can paste it. */
export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
