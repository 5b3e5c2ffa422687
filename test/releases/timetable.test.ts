import { expect, test } from "bun:test";
import type { Plan } from "../../src/releases/plan.ts";
import { parsePlan } from "../../src/releases/plan-parser.ts";
import { leastMs, timetable } from "../../src/releases/timetable.ts";
import { parseWindow, type Window } from "../../src/releases/windows.ts";

const PLAN = parsePlan("1%:10m,5%:30m+ok,25%,100%:1d") as Plan;

const timesOf = (start: string, ...windows: string[]) =>
  timetable(
    PLAN,
    windows.map((text) => parseWindow(text) as Window),
    Date.parse(start),
  ).map(({ startsAtMs, endsAtMs }) =>
    [startsAtMs, endsAtMs].map((ms) => new Date(ms).toISOString().slice(5, 16)).join(" "),
  );

test("without windows a step follows when the duration of the one before is over", () => {
  expect(timesOf("2026-12-03T12:00Z")).toEqual([
    "12-03T12:00 12-03T12:10",
    "12-03T12:10 12-03T12:40",
    "12-03T12:40 12-03T12:40",
    "12-03T12:40 12-04T12:40",
  ]);
  expect(leastMs(PLAN)).toBe(40 * 60_000);
});

test("a step that is over outside the windows ends at the next opening; the start and the bake need none", () => {
  expect(timesOf("2026-12-03T14:55Z", "mon-thu 09:00-16:00 Europe/Berlin")).toEqual([
    "12-03T14:55 12-07T08:00",
    "12-07T08:00 12-07T08:30",
    "12-07T08:30 12-07T08:30",
    "12-07T08:30 12-08T08:30",
  ]);
  // The bake is over on a Friday, outside the window.
  expect(timesOf("2026-12-03T10:00Z", "mon-thu 09:00-16:00 Europe/Berlin").at(-1)).toBe(
    "12-03T10:40 12-04T10:40",
  );
});

test("a step that waits for ok lasts five minutes at least, because the judge passes none before", () => {
  const plan = parsePlan("5%:1m+ok,50%:ok,60%:6m+ok,100%:1m") as Plan;
  expect(timetable(plan, [], 0).map(({ endsAtMs }) => endsAtMs / 60_000)).toEqual([5, 10, 16, 17]);
  expect(leastMs(plan)).toBe(16 * 60_000);
});
