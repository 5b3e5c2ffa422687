/** The word of a check: harm in a row, and answers that grow old. */

import { expect, test } from "bun:test";
import type { Answer } from "../../src/checks/check-kind.ts";
import { NO_WORD, type Word, wordAfter, wordNow } from "../../src/checks/verdict.ts";

const RULES = { everyMs: 10_000, harmAfter: 2 };
const HARM: Answer = { kind: "harm", why: "the query gives 0.08" };
const GOOD: Answer = { kind: "passed", why: "the query gives 0.001" };
const BETWEEN: Answer = { kind: "waiting", why: "the query gives 0.02" };
const SILENT: Answer = { kind: "unknown", why: "gone" };

/** The words after each of these answers, one interval apart unless it says otherwise. */
function words(answers: readonly Answer[], { everyMs, harmAfter } = RULES, gapMs = everyMs): Word[] {
  let word = NO_WORD;
  return answers.map((answer, index) => {
    word = wordAfter(word, answer, index * gapMs, { everyMs, harmAfter });
    return word;
  });
}

const kinds = (...of: Parameters<typeof words>) => words(...of).map(({ kind }) => kind);

test("one answer of harm is not a verdict, two in a row are", () => {
  const [first, second] = words([HARM, HARM]);
  expect(first).toMatchObject({ kind: "waiting", why: "the query gives 0.08; this is 1 of 2 in a row" });
  expect(second).toMatchObject({ kind: "harm", why: "the query gives 0.08, 2 times in a row" });
});

test("a figure without harm begins the row again, an unknown one does not", () => {
  expect(kinds([HARM, GOOD, HARM])).toEqual(["waiting", "passed", "waiting"]);
  expect(kinds([HARM, BETWEEN, HARM])).toEqual(["waiting", "waiting", "waiting"]);
  expect(kinds([HARM, SILENT, HARM])).toEqual(["waiting", "unknown", "harm"]);
});

test("unknown answers are never a verdict, however many there are", () => {
  expect(kinds(Array.from({ length: 50 }, () => SILENT))).not.toContain("harm");
});

test("answers of harm with a long silence between them are not in a row", () => {
  expect(kinds([HARM, HARM], RULES, 30_000)).toEqual(["waiting", "harm"]);
  expect(kinds([HARM, HARM], RULES, 30_001)).toEqual(["waiting", "waiting"]);
});

test("one answer is enough if the file says so; harm stands, and never grows old", () => {
  const [first, then] = words([HARM, GOOD], { everyMs: 10_000, harmAfter: 1 });
  expect(first).toMatchObject({ kind: "harm", why: "the query gives 0.08" });
  expect(then).toBe(first as Word);
  expect(wordNow(first as Word, 1e9, RULES).kind).toBe("harm");
});

test("an answer older than three intervals is unknown, and says its age", () => {
  const [word = NO_WORD] = words([GOOD]);
  expect(wordNow(word, 30_000, RULES)).toBe(word);
  expect(wordNow(word, 30_001, RULES)).toMatchObject({
    kind: "unknown",
    why: "its last answer is 30 s old",
  });
  expect(wordNow(NO_WORD, 1e9, RULES)).toMatchObject({ kind: "unknown", why: "it has not answered yet" });
});
