/**
 * From the answers of one check to its word on a step: harm counts after some answers in a row, stands once
 * it counts, and every other answer grows old. Pure.
 */

import type { Answer } from "./check-kind.ts";

/** An answer older than this many intervals counts as unknown. */
export const AGE_INTERVALS_MAX = 3;

export interface Word extends Answer {
  /** The clock of the answer, in milliseconds; undefined before the first one. */
  readonly atMs: number | undefined;
  /** Answers of harm in a row, and the time of the last one. An answer of unknown changes neither. */
  readonly harms: number;
  readonly harmAtMs: number;
}

/** The word before the first answer. */
export const NO_WORD: Word = {
  ...{ kind: "unknown", why: "it has not answered yet" },
  ...{ atMs: undefined, harms: 0, harmAtMs: 0 },
};

export interface Rules {
  readonly everyMs: number;
  readonly harmAfter: number;
}

/** The word after one more answer. */
export function wordAfter(before: Word, answer: Answer, nowMs: number, rules: Rules): Word {
  if (before.kind === "harm") return before;
  const { harms, harmAtMs } = before;
  if (answer.kind === "unknown") return { ...answer, atMs: nowMs, harms, harmAtMs };
  if (answer.kind !== "harm") return { ...answer, atMs: nowMs, harms: 0, harmAtMs };
  // Two answers with a long silence between them are not in a row.
  const isInRow = harms > 0 && nowMs - harmAtMs <= AGE_INTERVALS_MAX * rules.everyMs;
  const row = { atMs: nowMs, harms: isInRow ? harms + 1 : 1, harmAtMs: nowMs };
  if (row.harms < rules.harmAfter) {
    const why = `${answer.why}; this is ${row.harms} of ${rules.harmAfter} in a row`;
    return { ...row, kind: "waiting", why };
  }
  return {
    ...row,
    kind: "harm",
    why: row.harms > 1 ? `${answer.why}, ${row.harms} times in a row` : answer.why,
  };
}

/** The word as it counts now. */
export function wordNow(word: Word, nowMs: number, { everyMs }: Pick<Rules, "everyMs">): Word {
  if (word.kind === "harm" || word.atMs === undefined) return word;
  const ageMs = nowMs - word.atMs;
  if (ageMs <= AGE_INTERVALS_MAX * everyMs) return word;
  return { ...word, kind: "unknown", why: `its last answer is ${Math.round(ageMs / 1000)} s old` };
}
