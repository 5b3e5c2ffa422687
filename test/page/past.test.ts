/** The past that a page keeps for its charts. */

import { describe, expect, test } from "bun:test";
import type { Judged } from "../../src/evidence/judged.ts";
import {
  columnsOf,
  locationsIn,
  minutesOf,
  NO_PAST,
  type Past,
  POINTS_MAX,
  remember,
} from "../../src/page/browser/past.ts";
import { BEGAN_MS, newsOf, shown } from "./shown-news.ts";

const decided = (location: string, count: number) => ({ location, reason: "rollout", count });

/** A past of states with these counts of the canary's decisions, one each `everyMs`. */
function pastOf(counts: readonly number[], everyMs = 1_000): Past {
  return counts.reduce(
    (past, count, index) =>
      remember(past, newsOf({ decisions: [decided("canary", count)] }), BEGAN_MS + index * everyMs),
    NO_PAST,
  );
}

describe("the past that a page saw", () => {
  test("has a point a second, however many states come", () => {
    expect(pastOf([0, 1, 2, 3, 4, 5, 6, 7, 8], 250).points.length).toBe(2);
  });

  test("has the decisions a second, also after a restart of the daemon", () => {
    const rates = pastOf([100, 110, 130, 5, 9]).points.map(({ perSecond }) => perSecond.get("canary"));
    expect(rates).toEqual([10, 20, 0, 4]);
  });

  test("law 5: it keeps its last ten minutes, and no more", () => {
    const { points } = pastOf(Array.from({ length: POINTS_MAX + 50 }, (_, count) => count));
    expect(points.length).toBe(POINTS_MAX);
    expect(points.at(-1)?.atMs).toBe(BEGAN_MS + (POINTS_MAX + 49) * 1_000);
  });

  test("has a gap after a silence and between two releases, and no line across it", () => {
    const release = (key: string) => newsOf({ releases: [{ ...shown(), key }] });
    let past = pastOf([0, 1, 2]);
    past = remember(past, newsOf(), BEGAN_MS + 20_000);
    past = remember(past, release("a"), BEGAN_MS + 21_000);
    past = remember(past, release("a"), BEGAN_MS + 22_000);
    expect(past.points.map(({ isAfterGap }) => isAfterGap)).toEqual([false, false, true, true, false]);
    const { times, rows } = columnsOf(past.points, [() => 1]);
    expect(rows[0]).toEqual([1, 1, null, 1, null, 1, 1]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("has no evidence while nothing is heard, because a line of it would look like health", () => {
    const heard = { harm: 0.2, notWorse: 0.1, isSilent: false, outcomes: 9 } as unknown as Judged;
    const partsOf = (judged: Judged) => {
      const news = newsOf({ releases: [shown({ judged })] });
      const { points } = remember(remember(NO_PAST, news, 0), news, 1_000);
      return points.map(({ harm, notWorse }) => [harm, notWorse]);
    };
    expect(partsOf(heard)).toEqual([[0.2, 0.1]]);
    expect(partsOf({ ...heard, isSilent: true })).toEqual([[null, null]]);
    expect(partsOf({ ...heard, outcomes: 0 })).toEqual([[null, null]]);
  });

  test("has a row of the table for each minute, the newest first", () => {
    const { points } = pastOf(Array.from({ length: 150 }, (_, count) => count));
    const minutes = minutesOf(points).map(({ atMs }) => Math.floor(atMs / 60_000));
    expect(minutes).toEqual([...new Set(minutes)].sort((a, b) => b - a));
    expect(minutesOf(points)[0]).toBe(points.at(-1));
  });

  test("names the canary first and master last", () => {
    const news = newsOf({ decisions: ["master", "blue", "canary"].map((name) => decided(name, 1)) });
    const { points } = remember(remember(NO_PAST, news, 0), news, 1_000);
    expect(locationsIn(points)).toEqual(["canary", "blue", "master"]);
  });
});
