/** The words of a page for the past of a release: its end, its history, and the judge's evidence. */

import { describe, expect, test } from "bun:test";
import type { Judged } from "../../src/evidence/judged.ts";
import { endedOf } from "../../src/page/browser/outcome-words.ts";
import { freezeText, timeline } from "../../src/page/browser/timeline.ts";
import { countText, harmLimitText, timeText } from "../../src/page/browser/words.ts";
import type { ChangeNews, ReleaseNews } from "../../src/page/news.ts";
import { BEGAN_MS, newsOf, shown } from "./shown-news.ts";

describe("the end of a release", () => {
  const change = (
    seq: number,
    minutes: number,
    rollout: number,
    before: number,
    why?: string,
  ): ChangeNews => ({
    ...{ application: "website", version: "canary", rollout, before, author: "ada@web-1" },
    updatedAt: new Date(BEGAN_MS + minutes * 60_000).toISOString(),
    ...(why === undefined ? {} : { why }),
    release: { id: 7, key: shown().key, seq, of: "v42", state: "running", step: 2, sentence: "" },
  });
  const history = [change(3, 9, 0, 0.1, "INC-42"), change(2, 5, 0.1, 0.01), change(1, 0, 0.01, 0)];
  const ended = (changes: Partial<ReleaseNews>) =>
    endedOf(
      newsOf({ history }),
      shown({ state: "aborted", isOver: true, rollout: 0, step: 2, reason: null, ...changes }),
    );

  test("tells the reason, the author, the largest share, the length, and the next step", () => {
    const { title, now, facts, next } = ended({});
    expect(title).toBe("Release 7 was aborted");
    expect(now).toBe("All visitors have master, the version before.");
    expect(new Map(facts).get("ended")).toEndWith("by ada@web-1");
    expect(facts.slice(1)).toEqual([
      ["reason", "INC-42"],
      ["reached", "step 2 of 5, and at most 10% of the visitors"],
      ["took", "9m"],
    ]);
    expect(next).toStartWith("canary has no visitors");
  });

  test("does not say that all have master while some still have the canary", () => {
    const { now, next } = ended({ rollout: 0.03 });
    expect(now).toBe("canary still has 3% of the visitors.");
    expect(next).not.toContain("has no visitors");
  });

  test("of a finished one names the software that all have, and of one without a history what is known", () => {
    expect(ended({ state: "finished" }).now).toBe("All visitors have master, whose servers run v42.");
    const other = endedOf(newsOf(), shown({ state: "aborted", isOver: true, rollout: 0, reason: "split" }));
    expect(other.facts).toEqual([["reason", "split"]]);
  });
});

test("evidence that would be enough for an abort says that an abort needs three hurt visitors too", () => {
  const textOf = (...metrics: readonly { harm: number; canary: number }[]) =>
    harmLimitText({ metrics } as unknown as Judged);
  expect(textOf({ harm: 1.02, canary: 2 }, { harm: 0.2, canary: 9 })).toEndWith(
    "also needs 3 visitors who were hurt",
  );
  expect(textOf({ harm: 0.99, canary: 2 })).toBe("of an abort");
  expect(textOf({ harm: 1.02, canary: 3 })).toBe("of an abort");
});

describe("the history", () => {
  const change = (updatedAt: string | undefined, rollout: number) => ({
    ...{ application: "website", version: "canary", rollout, author: "ada@web-1" },
    ...(updatedAt === undefined ? {} : { updatedAt }),
  });
  const freeze = (at: string | null, isFrozen: boolean | null) => ({
    at,
    isFrozen,
    author: "eve",
    why: null,
  });

  test("has each freeze and its end between the changes before and after it", () => {
    const lines = timeline(
      [change("2026-11-29T12:00:00Z", 0.3), change(undefined, 0.2), change("2026-11-29T10:00:00Z", 0.1)],
      [
        freeze("2026-11-29T13:00:00Z", false),
        freeze("2026-11-29T11:00:00Z", true),
        freeze("2026-11-29T09:00:00Z", null),
        freeze(null, true),
      ],
    );
    expect(lines.map((line) => line.change?.rollout ?? freezeText(line.freeze?.isFrozen ?? null))).toEqual([
      ...["the freeze of all releases ended", 0.3, 0.2, "all releases frozen", 0.1],
      ...["a freeze of all releases, or its end", "all releases frozen"],
    ]);
  });
});

test("numbers and times are written as in the rest of the program", () => {
  const texts = [0, 7, 999, 1_000, 12_400, 1_234_567.4, -12_400].map(countText);
  expect(texts).toEqual(["0", "7", "999", "1 000", "12 400", "1 234 567", "-12 400"]);
  const now = new Date();
  expect(timeText(now.toISOString())).toMatch(/^\d\d:\d\d:\d\d$/);
  const other = new Date(2024, 1, 3, 4, 5, 6);
  expect(timeText(other.toISOString())).toBe("2024-02-03 04:05:06");
  expect(timeText("yesterday")).toBe("yesterday");
});
