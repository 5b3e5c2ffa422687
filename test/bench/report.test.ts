import { expect, test } from "bun:test";
import { join } from "node:path";
import { slopeOf } from "../../bench/memory.ts";
import {
  isGood,
  limitRow,
  median,
  notMeasuredRow,
  ratioRow,
  revisionRow,
  table,
  thousands,
  withTable,
} from "../../bench/report.ts";

test("the median is the middle value, or the mean of the middle two, in any order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([40, 10, 20, 30])).toBe(25);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("a ratio is that of the medians, so an outlier in one turn does not move it", () => {
  const row = ratioRow("keep", [80, 80, 1], [100, 100, 100], 0.8);
  expect(row.figure).toBe("0.800 (80 of 100 a second; turns 0.01–0.80)");
  expect(row.verdict).toBe("ok");
});

test("a figure that barely misses its bound is not rounded to the bound", () => {
  const row = ratioRow("new", [7496], [10_000], 0.75);
  expect(row.figure).toStartWith("0.750 ");
  expect(row.verdict).toBe("MISSED");
});

test("a revision is slower only if it was slower in every turn", () => {
  expect(revisionRow("new", [98, 101, 97], [100, 100, 100]).verdict).toBe("ok");
  expect(revisionRow("new", [98, 99, 97], [100, 100, 100]).verdict).toBe("MISSED");
});

test("the slope is that of the line, despite single outliers", () => {
  expect(slopeOf([1, 3, 5, 7])).toBeCloseTo(2, 12);
  expect(slopeOf([70, 80, 70, 80, 70])).toBeCloseTo(0, 12);
  expect(slopeOf([70])).toBeNaN();
});

test("a figure that equals its limit keeps the limit", () => {
  expect(limitRow("memory", 80, "MB", "", 80).verdict).toBe("ok");
  expect(limitRow("memory", 80.5, "MB", "", 80).verdict).toBe("MISSED");
});

test("a figure that is not a number misses every bound", () => {
  expect(ratioRow("new", [], [], 0.75).verdict).toBe("MISSED");
  expect(limitRow("memory", Number.NaN, "MB", "", 80).verdict).toBe("MISSED");
});

test("a figure without a bound is good; a missed or unmeasured one is not", () => {
  expect(isGood(ratioRow("pipe", [1], [100]))).toBeTrue();
  expect(isGood(limitRow("start", 1_000, "ms", ""))).toBeTrue();
  expect(isGood(ratioRow("new", [1], [100], 0.75))).toBeFalse();
  expect(isGood(notMeasuredRow("HTTP", "wrk is missing"))).toBeFalse();
});

test("large numbers have their digits in groups", () => {
  expect([0, 999, 1_000, 93_400.4, 16_000_000].map(thousands)).toEqual([
    "0",
    "999",
    "1 000",
    "93 400",
    "16 000 000",
  ]);
});

test("all lines of the table are equally long, and the table has every row", () => {
  const rows = [ratioRow("short", [1], [2], 0.75), notMeasuredRow("a longer name", "a reason")];
  const lines = table(rows).split("\n");
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[2]).toContain("MISSED");
  expect(lines[3]).toContain("a reason");
});

test("the table replaces the one before it, and nothing else on the page", () => {
  const page = "above\n<!-- bench -->\nold\n<!-- /bench -->\nbelow\n";
  const once = withTable(page, "new");
  expect(once).toBe("above\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\nbelow\n");
  expect(withTable(once, "new")).toBe(once);
});

test("a page without exactly one place for the table is not changed", () => {
  for (const page of [
    "",
    "<!-- bench -->",
    "<!-- /bench --> <!-- bench -->",
    "<!-- bench --><!-- bench --><!-- /bench -->",
    "<!-- bench --><!-- /bench --><!-- /bench -->",
  ]) {
    expect(() => withTable(page, "new")).toThrow("<!-- bench -->");
  }
});

test("the page of the benchmarks has a place for the table, and a table in it", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../bench/README.md")).text();
  expect(withTable(page, "new")).toContain("\n\nnew\n\n");
  expect(page).toContain("| what ");
});
