/** The lines of `release -watch` without a terminal. */

import { describe, expect, test } from "bun:test";
import { changeLines } from "../../../../src/cli/commands/release/changes.ts";
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
