/** Which daemons hear outcomes, and when a silence is one. */

import { describe, expect, test } from "bun:test";
import type { ReporterNews } from "../../src/evidence/news.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { QUIET_MS_MIN, REPORTERS_MAX, Reporters } from "../../src/evidence/reporters.ts";

const ZERO_MS = 1_764_417_600_000;
const SECOND_MS = 1_000;

/** One outcome each `everyMs`, `count` times, from the beginning on. Returns the time of the last one. */
function reported(reporters: Reporters, count: number, everyMs: number): number {
  for (let n = 1; n <= count; n++) reporters.add(ZERO_MS + n * everyMs);
  return ZERO_MS + count * everyMs;
}

function newsOf(changes: Partial<ReporterNews>): ReporterNews {
  return {
    kind: "reporter",
    from: "x",
    name: "web-2",
    outcomes: 7,
    lastMs: ZERO_MS,
    isQuiet: false,
    ...changes,
  };
}

describe("a daemon's own reports", () => {
  test("are quiet after two minutes, and not before", () => {
    const reporters = new Reporters(ZERO_MS);
    expect(reporters.figures("web-1", ZERO_MS + 1e9)).toEqual({
      outcomes: 0,
      quietSinceMs: undefined,
      quiet: [],
      short: [],
    });
    const lastMs = reported(reporters, 100, SECOND_MS);
    expect(reporters.figures("web-1", lastMs + QUIET_MS_MIN - 1).quietSinceMs).toBeUndefined();
    expect(reporters.figures("web-1", lastMs + QUIET_MS_MIN).quietSinceMs).toBe(lastMs);
  });

  test("of few visitors are quiet only after a pause that cannot be chance", () => {
    const reporters = new Reporters(ZERO_MS);
    const lastMs = reported(reporters, 30, 60 * SECOND_MS);
    expect(reporters.figures("web-1", lastMs + 19 * 60 * SECOND_MS).quietSinceMs).toBeUndefined();
    expect(reporters.figures("web-1", lastMs + 20 * 60 * SECOND_MS).quietSinceMs).toBe(lastMs);
  });

  test("are told at once, then once a minute, and once when they are quiet and when they come again", () => {
    const reporters = new Reporters(ZERO_MS);
    const told: string[] = [];
    for (let second = 0; second < 600; second++) {
      const nowMs = ZERO_MS + second * SECOND_MS;
      if (second < 200 || second >= 500) reporters.add(nowMs);
      const news = reporters.news("a", "web-1", nowMs);
      if (news === undefined) continue;
      expect(newsIn([newsLine(news)])).toEqual([news]);
      told.push(`${second} ${news.isQuiet}`);
      reporters.taken(news, nowMs);
    }
    expect(told).toEqual([
      ...["0 false", "60 false", "120 false", "180 false", "240 false"],
      ...["319 true", "500 false", "560 false"],
    ]);
  });
});

describe("the reports of a fleet", () => {
  test("name each daemon whose memory is short, also this one, until a later process of it has enough", () => {
    let isShort = false;
    const reporters = new Reporters(ZERO_MS, () => isShort);
    const lastMs = reported(reporters, 600, SECOND_MS);
    const told = reporters.news("a", "web-1", lastMs);
    if (told !== undefined) reporters.taken(told, lastMs);
    expect([told?.isShort, reporters.isDue(lastMs)]).toEqual([undefined, false]);
    reporters.hear(newsOf({ name: "web-2", isShort: true, lastMs: ZERO_MS + 1 }), "a");
    expect(reporters.figures("web-1", lastMs).short).toEqual(["web-2"]);
    isShort = true;
    expect(reporters.figures("web-1", lastMs).short).toEqual(["web-1", "web-2"]);
    // The others hear of it at once.
    expect(reporters.isDue(lastMs)).toBe(true);
    expect(newsIn([newsLine(reporters.news("a", "web-1", lastMs) as ReporterNews)])).toMatchObject([
      { kind: "reporter", name: "web-1", isShort: true },
    ]);
    reporters.hear(newsOf({ from: "z", name: "web-2", outcomes: 1, lastMs: ZERO_MS + 2 }), "a");
    expect(reporters.figures("web-1", lastMs).short).toEqual(["web-1"]);
  });

  test("REL-21: tell what this daemon dropped, once a minute, also if it hears nothing new", () => {
    let dropped = 0;
    const reporters = new Reporters(ZERO_MS, undefined, () => ({ aheadMs: 12, dropped }));
    const lastMs = reported(reporters, 600, SECOND_MS);
    const tell = (nowMs: number) => {
      const told = reporters.news("a", "web-1", nowMs);
      if (told !== undefined) reporters.taken(told, nowMs);
      return told;
    };
    expect(tell(lastMs)).toMatchObject({ aheadMs: 12, dropped: 0 });
    dropped = 3;
    expect(tell(lastMs + 59 * SECOND_MS)).toBeUndefined();
    const told = tell(lastMs + 60 * SECOND_MS);
    expect(told).toMatchObject({ outcomes: 600, dropped: 3 });
    expect(tell(lastMs + 119 * SECOND_MS)).toBeUndefined();
    // The later one of two lines with the same outcomes counts, in any order.
    const reader = new Reporters(ZERO_MS);
    for (const news of [told, { ...told, dropped: 0 }]) reader.hear(news as ReporterNews, "b");
    expect(reader.daemons("web-2", lastMs)).toMatchObject([{ name: "web-1", aheadMs: 12, dropped: 3 }]);
  });

  test("name the daemon that says that it hears none any more, as long as others hear some", () => {
    const reporters = new Reporters(ZERO_MS);
    const lastMs = reported(reporters, 600, SECOND_MS);
    reporters.hear(newsOf({ isQuiet: true, lastMs: ZERO_MS + 1 }), "a");
    reporters.hear(newsOf({ from: "y", name: "web-3" }), "a");
    const quiet = [{ name: "web-2", sinceMs: ZERO_MS + 1 }];
    expect(reporters.figures("web-1", lastMs)).toEqual({
      outcomes: 614,
      quietSinceMs: undefined,
      quiet,
      short: [],
    });
    // A later process of that name hears outcomes.
    reporters.hear(newsOf({ from: "z", outcomes: 1, lastMs: ZERO_MS + 2 }), "a");
    expect(reporters.figures("web-1", lastMs).quiet).toEqual([]);
  });

  test("name no daemon while all are silent, nor before it can hear an outcome after that", () => {
    const reporters = new Reporters(ZERO_MS);
    const lastMs = reported(reporters, 600, SECOND_MS);
    reporters.hear(newsOf({ isQuiet: true, lastMs: ZERO_MS + 1 }), "a");
    const allMs = lastMs + 2 * QUIET_MS_MIN;
    expect(reporters.figures("web-1", allMs)).toMatchObject({ quietSinceMs: lastMs, quiet: [] });
    reporters.add(allMs + 1);
    const figures = (nowMs: number) => reporters.figures("web-1", nowMs);
    expect(figures(allMs + QUIET_MS_MIN - 1)).toMatchObject({ quietSinceMs: undefined, quiet: [] });
    expect(figures(allMs + QUIET_MS_MIN).quiet).toEqual([{ name: "web-2", sinceMs: ZERO_MS + 1 }]);
  });

  test("come in any order, and twice", () => {
    const all = [newsOf({}), newsOf({ isQuiet: true }), newsOf({ outcomes: 9, lastMs: ZERO_MS + 5 })];
    for (const order of [all, all.toReversed(), [...all, ...all]]) {
      const reporters = new Reporters(ZERO_MS);
      for (const news of order) reporters.hear(news, "a");
      expect(reporters.figures("web-1", ZERO_MS + 10)).toMatchObject({ outcomes: 9, quiet: [] });
    }
  });

  test("are quiet although the clock of the last one is hours ahead", () => {
    const reporters = new Reporters(ZERO_MS);
    reporters.hear(newsOf({ lastMs: ZERO_MS + 10_800_000, outcomes: 10_000 }), "a");
    const nowMs = ZERO_MS + 60 * SECOND_MS;
    expect(reporters.figures("web-1", nowMs).quietSinceMs).toBeUndefined();
    expect(reporters.figures("web-1", nowMs + QUIET_MS_MIN).quietSinceMs).toBe(nowMs);
  });

  test("are kept of a bounded number of processes", () => {
    const reporters = new Reporters(ZERO_MS);
    for (let n = 1; n <= REPORTERS_MAX + 10; n++) reporters.hear(newsOf({ from: `${n}`, outcomes: n }), "a");
    const { outcomes } = reporters.figures("web-1", ZERO_MS);
    const [least, most] = [11, REPORTERS_MAX + 10];
    expect(outcomes).toBe(((least + most) * REPORTERS_MAX) / 2);
  });
});
