/**
 * Reads and writes news as lines of text. Pure and total: a batch may come from a newer daemon, or from a
 * hostile one, and a line that is not understood is left out.
 */

import { readEvidence } from "./evidence-lines.ts";
import type { News } from "./news.ts";
import { type Fields, isCount, isName, isText, isTime, ownStateIn } from "./news-values.ts";

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
    case "unable":
      return isName(name) && isCount(beat) && isTime(atMs) && isCount(seq)
        ? [{ kind, name, beat, atMs, seq, ...ownStateIn(fields) }]
        : [];
    case "told":
      if (!isCount(seq) || !isTime(atMs) || !isName(to)) return [];
      if (extra === undefined) return [{ kind, seq, atMs, to }];
      return isName(extra) ? [{ kind, seq, atMs, to, extra }] : [];
    case "override":
      return isName(name) && isText(reason) ? [{ kind, name, reason }] : [];
    default:
      return readEvidence(kind, fields);
  }
}

function objectOf(json: string): Fields | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
