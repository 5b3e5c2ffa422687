/** The parts of the page's code that need no browser: its past, and the consequences of its verbs. */

import { describe, expect, test } from "bun:test";
import type { Judged } from "../../src/evidence/judged.ts";
import { Lateness, WakefulClock } from "../../src/page/browser/ages.ts";
import { freezeChoice, verbsOf, wayBack } from "../../src/page/browser/choices.ts";
import { endedOf } from "../../src/page/browser/outcome-words.ts";
import {
  columnsOf,
  locationsIn,
  minutesOf,
  NO_PAST,
  type Past,
  POINTS_MAX,
  remember,
} from "../../src/page/browser/past.ts";
import { settingOf } from "../../src/page/browser/rollouts.ts";
import { freezeText, timeline } from "../../src/page/browser/timeline.ts";
import { harmLimitText } from "../../src/page/browser/words.ts";
import type { ApplicationNews, ChangeNews, ReleaseNews } from "../../src/page/news.ts";
import { releaseNews } from "../../src/page/release-news.ts";
import { shownAt } from "../cli/commands/release/shown.ts";

const arc = (version: string, rollout: number) =>
  ({ version, rollout, offset: 0, failsafe: "master" }) as const;

const newsOf = (changes: Partial<ApplicationNews> = {}): ApplicationNews => ({
  ...{
    name: "website",
    isFresh: true,
    ageMs: 0,
    leaseMs: 10_000,
    error: null,
    isRead: true,
    ordered: {},
    freeze: null,
    start: "maxwells-daemon release -of NAME",
  },
  ...{
    arcs: [arc("canary", 0.05), arc("maintenance", 0)],
    decisions: [],
    releases: [],
    history: [],
    freezes: [],
  },
  ...changes,
});

const decided = (location: string, count: number) => ({ location, reason: "rollout", count });

const BEGAN_MS = 1_000_000_000;

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

function shown(changes: Partial<ReleaseNews> = {}): ReleaseNews {
  return { ...releaseNews(shownAt({}), []), ...changes };
}

describe("the consequence of a verb", () => {
  test("the way back names the share and the visitors, and is there until the release is over", () => {
    const judged = { canaryVisitors: 412, signs: [] } as unknown as Judged;
    expect(wayBack(shown({ judged, rollout: 0.05 }))).toMatchObject({
      ...{
        verb: "abort",
        consequence: "takes 5% of the visitors (about 410 in this step) back to master, at once",
      },
    });
    expect(wayBack(shown({ judged: null, rollout: 1, state: "promoted" }))).toMatchObject({
      ...{ verb: "undo", consequence: "takes all visitors back to master, at once" },
    });
    expect(wayBack(shown({ isOver: true }))).toBeUndefined();
  });

  test("a sign that is raised can be cleared, with a reason", () => {
    const judged = { signs: [{ name: "back", isCleared: false }] } as unknown as Judged;
    const clear = verbsOf(shown({ judged })).find(({ verb }) => verb === "clear");
    expect(clear).toMatchObject({ needsReason: true, with: { sign: "back" } });
  });

  test("the end of a freeze is pinned to the freeze that is shown", () => {
    expect(freezeChoice(null)).toBeUndefined();
    expect(freezeChoice({ isFrozen: false, at: null, text: "" })?.verb).toBe("freeze");
    expect(freezeChoice({ isFrozen: true, at: "2026-01-01", text: "" })).toMatchObject({
      ...{ verb: "unfreeze", with: { seenAt: "2026-01-01" } },
    });
  });
});

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

describe("a rollout by hand", () => {
  const set = (version: string, rollout: number, news = newsOf()) => settingOf({ version, rollout }, news);

  test("says what it gives and takes", () => {
    expect(set("canary", 0.2)).toMatchObject({
      ...{ kind: "possible", expect: 0.05, label: "Set canary to 20%" },
      consequence: "gives 15% more of the visitors canary, at once and without a plan or a judge",
    });
    expect(set("canary", 0.01)).toMatchObject({
      consequence: "takes 4% of the visitors back from canary, at once",
    });
    expect(set("maintenance", 1)).toMatchObject({ label: "Set maintenance to on" });
  });

  test("is possible only if the daemon would do it", () => {
    const news = newsOf({ releases: [shown({ version: "canary", state: "running" })] });
    expect(set("canary", 0.2, news).kind).toBe("impossible");
    expect(set("canary", 0.01, news)).toMatchObject({
      consequence: expect.stringContaining("and pauses release"),
    });
    expect(set("canary", 0, news)).toMatchObject({
      consequence: expect.stringContaining("and aborts release"),
    });
    for (const rollout of [Number.NaN, -1, 1.1, 0.05]) expect(set("canary", rollout).kind).toBe("impossible");
    expect(set("blue", 0.1).kind).toBe("impossible");
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

describe("the clock of a page", () => {
  const clocked = () => {
    const at = { monotonicMs: 5_000, wallMs: 1_700_000_000_000 };
    const clock = new WakefulClock({ monotonic: () => at.monotonicMs, wall: () => at.wallMs });
    const pass = (ms: number, wallMs = ms) => {
      at.monotonicMs += ms;
      at.wallMs += wallMs;
      return clock.now();
    };
    return pass;
  };

  test("goes on while the machine sleeps and its monotonic clock stands still", () => {
    const pass = clocked();
    expect([pass(250), pass(250, 3_600_000), pass(250)]).toEqual([5_250, 3_605_250, 3_605_500]);
  });

  test("never goes back, and does not follow a wall clock that is set by a little", () => {
    const pass = clocked();
    expect([pass(250, -3_600_000), pass(250, 600), pass(0, 0)]).toEqual([5_250, 5_500, 5_500]);
  });
});

describe("states that a browser held back", () => {
  test("are late, and the next ones in time are not, however the two clocks differ", () => {
    const lateness = new Lateness();
    expect([1, 2, 3].map((n) => lateness.of(n * 1_000 + 40, n * 1_000 - 77_000))).toEqual([0, 0, 0]);
    // The page was frozen for a minute, and now gets the states of that time.
    expect(lateness.of(63_040, 4_000 - 77_000)).toBe(59_000);
    expect(lateness.of(63_041, 63_000 - 77_000)).toBe(1);
  });

  test("are compared with the last ones alone, because clocks drift", () => {
    const lateness = new Lateness();
    lateness.of(0, 0);
    for (let n = 1; n < 60; n++) expect(lateness.of(n * 1_001, n * 1_000)).toBe(n);
    expect(lateness.of(60 * 1_001, 60 * 1_000)).toBe(59);
    expect(lateness.of(600 * 1_001, 600 * 1_000)).toBeGreaterThan(0);
  });

  test("an older daemon does not tell when it made them", () => {
    expect(new Lateness().of(1_000, undefined as never)).toBe(0);
  });
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
