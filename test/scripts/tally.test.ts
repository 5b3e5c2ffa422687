import { expect, test } from "bun:test";
import { countsOf } from "../../scripts/test/bun-output.ts";
import { seedOf } from "../../scripts/test/seed.ts";
import { Tally } from "../../scripts/test/tally.ts";

const tallyOf = (isCi: boolean) => new Tally(isCi, (file) => `repeat ${file}`);
const run = (passed: number, failed: number) => ({ file: "test/a.test.ts", passed, failed });

test("a test that passes only when it is run again fails CI, and its file and seed are named", () => {
  const tally = tallyOf(true);
  tally.file(run(3, 1), run(4, 0));
  expect(tally.isGood).toBeFalse();
  expect(tally.summary()).toContain("FLAKY: failed once, passed when it ran again alone: test/a.test.ts (1)");
  expect(tally.summary()).toContain("repeat test/a.test.ts");
  expect(tally.summary()).toEndWith("\n3 passed, 1 failed");
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

test("the seed is the one that is given, or a drawn one", () => {
  expect(seedOf("123")).toBe(123);
  for (const nothing of [undefined, "", "x"]) expect(seedOf(nothing)).toBeWithin(0, 2 ** 32);
});
