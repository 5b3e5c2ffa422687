/**
 * Reads and writes news as lines of text. Pure and total: a batch may come from a newer daemon, or from a
 * hostile one, and a line that is not understood is left out.
 */

import type { News } from "./news.ts";

/** A name or a reason has at most this many UTF-16 units. */
export const NEWS_TEXT_LENGTH_MAX = 256;

/** A longer line is left out. A batch is not longer either. */
const LINE_LENGTH_MAX = 4_096;

/** One line, without a line feed. */
export function newsLine({ kind, ...rest }: News): string {
  return `${kind} ${JSON.stringify(rest)}`;
}

/** The news of batches, in their order. */
export function newsIn(batches: readonly string[]): News[] {
  return batches.flatMap((batch) => batch.split("\n").flatMap(readLine));
}

function readLine(line: string): News[] {
  const [, kind, json = ""] = /^([a-z]+) (\{.*\})$/.exec(line.slice(0, LINE_LENGTH_MAX + 1)) ?? [];
  if (kind === undefined || line.length > LINE_LENGTH_MAX) return [];
  const fields = objectOf(json);
  if (fields === undefined) return [];
  const { name, beat, atMs, seq, reason, to, extra } = fields;
  switch (kind) {
    case "presence":
      return isName(name) && isCount(beat) && isTime(atMs) && isCount(seq)
        ? [{ kind, name, beat, atMs, seq }]
        : [];
    case "told":
      if (!isCount(seq) || !isName(to)) return [];
      if (extra === undefined) return [{ kind, seq, to }];
      return isName(extra) ? [{ kind, seq, to, extra }] : [];
    case "override":
      return isName(name) && isText(reason) ? [{ kind, name, reason }] : [];
    default:
      return [];
  }
}

function objectOf(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= NEWS_TEXT_LENGTH_MAX;
}

function isName(value: unknown): value is string {
  return isText(value) && value !== "";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
