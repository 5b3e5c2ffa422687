/** The lines of `release -watch` without a terminal. */

import { describe, expect, test } from "bun:test";
import { changeLines, isSameSight } from "../../../../src/cli/commands/release/changes.ts";
import { NOTHING_HEARD_SENTENCE } from "../../../../src/evidence/silence.ts";
import { shownAt } from "./shown.ts";

describe("a promoted release", () => {
  const release = { state: "promoted", step: 5, wrote: [1, 0.25] } as const;
  const before = shownAt({ release, minutes: 60 });

  test("says that its last wait goes on", () => {
    expect(changeLines(undefined, before)).toContain("the last wait goes on: time");
    expect(changeLines(before, shownAt({ release, minutes: 61 }))).toEqual([]);
  });

  test("has one line when its last wait is over", () => {
    const after = shownAt({ release, minutes: 24 * 60 });
    expect(changeLines(before, after)).toEqual([
      "the last wait is over: a person can finish it when master's servers run v42 too",
    ]);
    expect(changeLines(after, shownAt({ release, minutes: 25 * 60 }))).toEqual([]);
  });
});

describe("the judge's word", () => {
  const quiet = shownAt({ traffic: { visitors: 0 } });
  const sound = shownAt({ traffic: { visitors: 2_900, oneIn: 480 } });

  test("has a line if nothing is reported, and one if that is over", () => {
    expect(changeLines(undefined, quiet)).toContain(NOTHING_HEARD_SENTENCE);
    expect(changeLines(quiet, sound)).toEqual(["outcomes are reported"]);
  });

  test("has a line for a suspicion, with its figures, and one if that is over", () => {
    const suspicious = shownAt({ traffic: { visitors: 2_900, oneIn: 48, canaryFails: 10 } });
    expect(changeLines(sound, suspicious).join()).toStartWith(
      "10 of the 70 visitors who met errors were the canary's, 1 in 20 expected: this looks like harm,",
    );
    expect(changeLines(suspicious, sound)).toEqual(["no sign of harm any more"]);
  });

  test("has a line for a raised sign", () => {
    const raised = shownAt({ traffic: { visitors: 2_900, oneIn: 480, signs: ["place"] } });
    expect(changeLines(sound, raised)).toContain(
      "sign place: visitors were served by another version than the rollout says: a proxy does not do what is configured",
    );
  });

  test("counts for a program, but has no line, if one more visitor is hurt", () => {
    const more = shownAt({ traffic: { visitors: 2_900, oneIn: 480, canaryFails: 1 } });
    expect(changeLines(sound, more)).toEqual([]);
    expect(isSameSight(sound, more)).toBe(false);
    expect(isSameSight(sound, sound)).toBe(true);
  });
});
