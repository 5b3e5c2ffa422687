import { expect, test } from "bun:test";
import { countsOf, failuresOf } from "../../scripts/test/bun-output.ts";
import { seedOf } from "../../scripts/test/seed.ts";
import { Tally } from "../../scripts/test/tally.ts";

const tallyOf = (isCi: boolean) => new Tally(isCi, (file) => `repeat ${file}`);
const run = (passed: number, failed: number, ...failures: readonly string[]) => {
  return { file: "test/a.test.ts", passed, failed, failures, wallMs: 1, processorMs: 1 };
};

test("a test that passes only when it is run again fails CI, and its file and seed are named", () => {
  const tally = tallyOf(true);
  tally.file(run(3, 1), run(4, 0));
  expect(tally.isGood).toBeFalse();
  expect(tally.summary()).toContain("FLAKY: failed once, passed when it ran again alone: test/a.test.ts (1)");
  expect(tally.summary()).toContain("repeat test/a.test.ts");
  expect(tally.summary()).toEndWith("\n3 passed, 1 failed");
});

test("the error of a test that failed only once stands just before the line that calls it flaky", () => {
  const tally = tallyOf(true);
  tally.file(run(3, 1, "error: 2 is not 1\n(fail) a > b [1.00ms]"), run(4, 0));
  const [, error, name, flaky] = tally.summary().split("\n");
  expect([error, name]).toEqual(["error: 2 is not 1", "(fail) a > b [1.00ms]"]);
  expect(flaky).toContain("FLAKY");
});

test("on a machine that is not CI's, that is a warning", () => {
  const tally = tallyOf(false);
  tally.file(run(3, 1), run(4, 0));
  expect(tally.isGood).toBeTrue();
  expect(tally.summary()).toContain("FLAKY");
  expect(tally.summary()).toEndWith("\n4 passed, 0 failed");
});

test("a test that fails again has failed everywhere", () => {
  for (const isCi of [true, false]) {
    const tally = tallyOf(isCi);
    tally.file(run(3, 1), run(3, 1));
    expect(tally.isGood).toBeFalse();
    expect(tally.summary()).not.toContain("FLAKY");
    expect(tally.summary()).toEndWith("\n3 passed, 1 failed");
  }
});

test("cases that failed and are left out when they run again have not passed", () => {
  const tally = tallyOf(false);
  tally.file(run(0, 2), run(1, 0));
  expect(tally.isGood).toBeFalse();
});

test("CI may leave out nothing", () => {
  const [ci, other] = [tallyOf(true), tallyOf(false)];
  for (const tally of [ci, other]) tally.leftOut();
  expect([ci.isGood, other.isGood]).toEqual([false, true]);
});

test("the counts of a file are those that bun says last", () => {
  const output = " 9 pass\n(pass) x\n\n 12 pass\n 1 skip\n 2 fail\n 30 expect() calls\n";
  expect(countsOf(output, 1)).toEqual({ passed: 12, failed: 2, skipped: 1 });
});

test("a process that ends badly without a word has failed once", () => {
  expect(countsOf("", 134)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countsOf(" 3 pass\n 0 fail\n", 1)).toEqual({ passed: 3, failed: 1, skipped: 0 });
  expect(countsOf(" 3 pass\n 0 fail\n", 0)).toEqual({ passed: 3, failed: 0, skipped: 0 });
});

test("a failed case is reported with its error, and without the lines of the cases before", () => {
  const output = [
    "bun test v1.4.5\n\ntest/a.test.ts:\nlog of one",
    "(pass) one [1.00ms]\nlog of two\nerror: 2 is not 1\n(fail) a > two [1.00ms]",
    "(skip) three\n(pass) four\nerror: 3\n::error file=a::3\n(fail) five\n\n::endgroup::",
    // Bun lists them again if there are many cases.
    "2 tests failed:\n(fail) a > two [1.01ms]\n(fail) five\n\n 2 pass\n 2 fail\n",
  ].join("\n");
  expect(failuresOf(output)).toEqual([
    "log of two\nerror: 2 is not 1\n(fail) a > two [1.00ms]",
    "error: 3\n(fail) five",
  ]);
});

test("reports of failed cases have limits: lines, their length, and cases", () => {
  const [report = ""] = failuresOf(`${"x".repeat(1_000)}\n`.repeat(1_000).concat("(fail) a"));
  expect(report.split("\n")).toHaveLength(40);
  expect(report).toEndWith(`${"x".repeat(400)}\n(fail) a`);
  const many = failuresOf([1, 2, 3, 4, 5, 6, 7].map((each) => `(fail) ${each}\n`).join(""));
  expect(many).toHaveLength(6);
  expect(many.at(-1)).toBe("and more failed cases: 2");
});

test("a process that ended without the name of a case is reported by its last lines", () => {
  expect(failuresOf("test/a.test.ts:\n(pass) a\npanic: crashed\n")).toEqual([
    "test/a.test.ts:\n(pass) a\npanic: crashed",
  ]);
});

test("the seed is the one that is given, or a drawn one", () => {
  expect(seedOf("123")).toBe(123);
  for (const nothing of [undefined, "", "x"]) expect(seedOf(nothing)).toBeWithin(0, 2 ** 32);
});
