/** The sentences of the judge, to the letter. */

import { describe, expect, test } from "bun:test";
import { evidenceOf } from "../../src/judge/abort.ts";
import { ratioText, roundText, shareText, timeText, wholeText } from "../../src/judge/figures.ts";
import { visitorsNeeded, visitorsWithoutErrors } from "../../src/judge/gate-needs.ts";
import { harmOf } from "../../src/judge/harm.ts";
import { abortSentence, barOf, timeToFindSentence, watchSentence } from "../../src/judge/harm-sentences.ts";
import { metricWords } from "../../src/judge/metric-words.ts";
import type { Segment } from "../../src/judge/segment.ts";
import {
  type GateProgress,
  gateSentence,
  reachSentence,
  shortestStepSentence,
} from "../../src/judge/step-sentences.ts";

function segment(canary: number, master: number, rollout = 0.05): Segment {
  return { rollout, control: 1 - rollout, canary, master };
}

function abortOf(segments: readonly Segment[], metric = "errors"): string {
  return abortSentence(harmOf(segments), metricWords(metric, ["400ms"]));
}

function watchOf(segments: readonly Segment[]): string {
  const evidence = evidenceOf({ name: "errors", weight: 0.75, segments });
  return watchSentence(harmOf(segments), metricWords("errors"), evidence);
}

describe("an abort", () => {
  test("has the counts first, then the ratio, then the hurt visitors", () => {
    expect(abortOf([segment(7, 20)])).toBe(
      "7 of the 27 visitors who met errors were the canary's, 1 in 20 expected: " +
        "errors are 1.2 to 25 times as likely there, and it hurt about 6 visitors",
    );
  });

  test("has no upper end if the canary alone hurt visitors", () => {
    expect(abortOf([segment(3, 0)])).toBe(
      "all 3 visitors who met errors were the canary's, 1 in 20 expected: " +
        "errors are at least 1.8 times as likely there, and it hurt about 3 visitors",
    );
  });

  test("has no ratio if only its lower end is known, and that is below 1", () => {
    expect(abortOf([segment(8, 0, 0.5)])).toBe(
      "all 8 visitors who met errors were the canary's, 1 in 2 expected, and it hurt about 8 visitors",
    );
  });

  test("has the share that all its steps together expect", () => {
    expect(abortOf([segment(1, 99, 0.01), segment(0, 0, 1), segment(40, 59, 0.25)])).toStartWith(
      "41 of the 199 visitors who met errors were the canary's, 1 in 8 expected: ",
    );
  });

  test("by another metric has its words", () => {
    expect(abortOf([segment(900, 600, 0.25)], "slow-1")).toBe(
      "900 of the 1 500 visitors who waited more than 400ms were the canary's, 1 in 4 expected: " +
        "waits of more than 400ms are 3.7 to 5.5 times as likely there, and it hurt about 700 visitors",
    );
    expect(abortOf([segment(3, 0)], "known-errors")).toStartWith(
      "all 3 visitors who came back and met errors were the canary's",
    );
    expect(abortOf([segment(3, 0)], "event:no-basket")).toContain("events no-basket are at least");
    expect(abortOf([segment(3, 0)], "newer")).toContain("visitors who met newer were");
  });

  test("fits in the reason of a release", () => {
    const longest = abortOf([segment(123_456_789, 987_654_321, 0.0333)], "known-errors");
    expect(longest.length).toBeLessThan(256);
  });
});

describe("while watching", () => {
  test.each([
    [[], "no visitor met errors so far: no sign of harm"],
    [[segment(0, 1)], "the one visitor who met errors was master's, 1 in 20 expected: no sign of harm"],
    [[segment(1, 0)], "the one visitor who met errors was the canary's, 1 in 20 expected: no sign of harm"],
    [
      [segment(0, 61)],
      "none of the 61 visitors who met errors was the canary's, 1 in 20 expected: no sign of harm",
    ],
    [
      [segment(1, 60)],
      "1 of the 61 visitors who met errors was the canary's, 1 in 20 expected: no sign of harm",
    ],
    [
      [segment(3, 58)],
      "3 of the 61 visitors who met errors were the canary's, 1 in 20 expected: no sign of harm",
    ],
    [
      [segment(6, 25)],
      "6 of the 31 visitors who met errors were the canary's, 1 in 20 expected: " +
        "this looks like harm, but it may be chance, so no step passes",
    ],
    [
      [segment(2, 0, 0.0001)],
      "all 2 visitors who met errors were the canary's, 1 in 10 000 expected: " +
        "this looks like harm, but an abort needs 3 visitors of the canary, so no step passes",
    ],
    [[segment(3, 0)], "all 3 visitors who met errors were the canary's, 1 in 20 expected: this is harm"],
  ])("%j", (segments, sentence) => {
    expect(watchOf(segments)).toBe(sentence);
  });

  test("the time to find a harm", () => {
    const pace = { rollout: 0.05, control: 0.95, coinsPerMinute: 10, weight: 1 };
    const words = metricWords("errors");
    expect(timeToFindSentence(pace, words)).toBe(
      "a doubling would be found in about 21 minutes, a tenfold rise in less than a minute",
    );
    expect(timeToFindSentence({ ...pace, coinsPerMinute: 0.05 }, words)).toBe(
      "a doubling would be found in about 3 days, a tenfold rise in about 3 hours",
    );
    expect(timeToFindSentence({ ...pace, coinsPerMinute: 0 }, words)).toBe(
      "no visitor met errors, so the time to find a doubling is not known",
    );
  });

  test("the bar begins at 0, and is full at the abort", () => {
    expect([barOf(-3), barOf(0), barOf(Math.log(20) / 2), barOf(Math.log(20)), barOf(1e8)]).toEqual([
      ...[0, 0, 0.5, 1, 1],
    ]);
  });
});

describe("the gate", () => {
  const PROGRESS: GateProgress = {
    ...{ visitors: 2_900, needed: 4_264, withoutErrors: 4_264, visitorsPerMinute: 100 },
  };

  test.each([
    [{}, "2 900 of about 4 300 visitors seen, about 14 minutes"],
    [{ visitorsPerMinute: 0 }, "2 900 of about 4 300 visitors seen"],
    [
      { needed: 17_917 },
      "2 900 of about 18 000 visitors seen, about 3 hours; without errors, about 4 300 would be enough",
    ],
    [{ visitors: 4_264 }, "4 264 visitors seen, which is enough"],
    [{ visitors: 0 }, "no visitor seen for two minutes yet, about 4 300 visitors needed"],
    [
      { needed: Number.POSITIVE_INFINITY },
      "2 900 visitors seen, and no number is enough by the present figures",
    ],
  ])("%j", (change, sentence) => {
    expect(gateSentence({ ...PROGRESS, ...change })).toBe(sentence);
  });

  test("needs more visitors if some meet errors, and as many as the vectors say if none do", () => {
    expect([visitorsWithoutErrors(0.05, 0.25), visitorsWithoutErrors(0.5, 1)]).toEqual([4_264, 1_706]);
    const facts = { step: segment(3, 58), visitors: 2_900, rolloutNext: 0.25 };
    expect(visitorsNeeded(facts)).toBeGreaterThan(10_000);
    expect(visitorsNeeded({ ...facts, step: segment(8, 53) })).toBeGreaterThan(visitorsNeeded(facts));
    expect(visitorsNeeded({ ...facts, step: segment(0, 0), visitors: 5_000 })).toBe(5_000);
    expect(visitorsNeeded({ ...facts, step: segment(0, 0, 1) })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the other reasons why a step waits", () => {
  test("the canary's visitors did not reach it", () => {
    expect(reachSentence({ seen: 0, atCanary: 0 })).toBe(
      "nothing heard of the canary's visitors in this step, so ok is not given: " +
        "see that the proxies report (maxwells-daemon doctor)",
    );
    expect(reachSentence({ seen: 12, atCanary: 12 })).toBe("12 visitors reported at the canary, 20 needed");
    expect(reachSentence({ seen: 400, atCanary: 120 })).toBe(
      "120 of the canary's 400 visitors were reported at the canary, so ok is not given: " +
        "see where the proxies send the others",
    );
  });

  test("the shortest step", () => {
    expect(shortestStepSentence(180_000)).toBe("a step lasts five minutes at least, about 3 minutes more");
  });
});

describe("figures", () => {
  test("whole ones, and estimates of two digits", () => {
    expect([0, 999, 1_000, 4_264, 1_234_567].map(wholeText)).toEqual([
      ...["0", "999", "1 000", "4 264", "1 234 567"],
    ]);
    expect([7, 99.4, 104, 4_264, 1_250_000].map(roundText)).toEqual(["7", "99", "100", "4 300", "1 300 000"]);
  });

  test("ratios", () => {
    expect(ratioText(1.18, 24.6)).toBe("1.2 to 25 times as likely");
    expect(ratioText(0.8, 3)).toBe("0.8 to 3 times as likely");
    expect(ratioText(1.786, Number.POSITIVE_INFINITY)).toBe("at least 1.8 times as likely");
    expect(ratioText(994, 156_558_769)).toBe("at least 990 times as likely");
    expect(ratioText(0, 1.86)).toBe("at most 1.9 times as likely");
  });

  test("shares", () => {
    const shares = [0.05, 0.01, 0.25, 0.5, 0.4, 0.75, 0.95, 0.0333, 0.000_1, 0.618, 0.999];
    expect(shares.map(shareText)).toEqual([
      ...[
        "1 in 20",
        "1 in 100",
        "1 in 4",
        "1 in 2",
        "2 in 5",
        "3 in 4",
        "19 in 20",
        "1 in 30",
        "1 in 10 000",
      ],
      ...["3 in 5", "999 in 1 000"],
    ]);
  });

  test("times", () => {
    const minutes = [0.5, 1, 14.3, 99, 130, 1_440, 4_400, 1e9];
    expect(minutes.map(timeText)).toEqual([
      ...["less than a minute", "about 1 minute", "about 14 minutes", "about 99 minutes", "about 2 hours"],
      ...["about 24 hours", "about 3 days", "years"],
    ]);
  });
});
