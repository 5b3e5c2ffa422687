/** Reads the lines of which the evidence of a release is made. Pure and total, as `news-lines.ts`. */

import { HITTERS_TOLD_MAX } from "./heard.ts";
import type { EvidenceNews, HeardNews, ReporterNews } from "./news.ts";
import { type Fields, isCount, isName, ownStateIn } from "./news-values.ts";
import { unpackWords } from "./packing.ts";

const CUTS_MAX = 32;

/** A coin is a cell, a time and a tag. */
export const COIN_WORDS = 3;

/** The news in a line; empty if it is not understood. */
export function readEvidence(kind: string, fields: Fields): EvidenceNews[] {
  const { of, since, coins, step, share, cuts, cells, seen, arrived, sign, atMs } = fields;
  switch (kind) {
    case "coins":
      return isName(of) && isCount(since) && isPacked(coins, COIN_WORDS) ? [{ kind, of, since, coins }] : [];
    case "visitors":
      return isName(of) && isCount(step) && isShare(share) && isCuts(cuts) && isPacked(cells)
        ? [{ kind, of, step, share, cuts, cells }]
        : [];
    case "arrivals":
      return isCount(step) && isCuts(cuts) && isPacked(seen) && isPacked(arrived)
        ? [{ kind, step, cuts, seen, arrived }]
        : [];
    case "heard":
      return readHeard(fields);
    case "reporter":
      return readReporter(fields);
    case "sign":
      return isName(sign) && isCount(atMs) ? [{ kind, sign, atMs }] : [];
    case "uncapped":
      return isCount(step) ? [{ kind, step }] : [];
    default:
      return [];
  }
}

function readHeard({ from, step, outcomes, bad, brought, decisions, cells, networks }: Fields): HeardNews[] {
  return isName(from) &&
    isCount(step) &&
    isCount(outcomes) &&
    isCount(bad) &&
    isCount(brought) &&
    isCount(decisions) &&
    areHitters(cells) &&
    areHitters(networks)
    ? [{ kind: "heard", from, step, outcomes, bad, brought, decisions, cells, networks }]
    : [];
}

function readReporter(fields: Fields): ReporterNews[] {
  const { from, name, outcomes, lastMs, isQuiet, isShort } = fields;
  if (!(isName(from) && isName(name) && isCount(outcomes) && isCount(lastMs))) return [];
  if (typeof isQuiet !== "boolean") return [];
  const short = isShort === true ? { isShort } : {};
  return [{ kind: "reporter", from, name, outcomes, lastMs, isQuiet, ...short, ...ownStateIn(fields) }];
}

function areHitters(value: unknown): value is HeardNews["cells"] {
  return (
    Array.isArray(value) &&
    value.length <= HITTERS_TOLD_MAX &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && isWord(pair[0]) && isCount(pair[1]))
  );
}

function isPacked(value: unknown, group = 1): value is string {
  return unpackWords(value, group) !== undefined;
}

function isShare(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value <= 1;
}

function isCuts(value: unknown): value is number {
  return isCount(value) && value <= CUTS_MAX;
}

function isWord(value: unknown): value is number {
  return isCount(value) && value < 2 ** 32;
}
