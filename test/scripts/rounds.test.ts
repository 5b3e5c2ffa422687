import { expect, test } from "bun:test";
import { bestRound, lostMs } from "../support/rounds.ts";

/** Measures these values in turn; `lost[n]` is what the machine loses in the n-th round. */
function rounds(values: readonly number[], lost: readonly number[]) {
  let measured = 0;
  let lostSoFar = 0;
  const world = { lost: () => lostSoFar, pauseMs: 0 };
  const measure = async () => {
    lostSoFar += lost[measured % lost.length] ?? 0;
    return values[measured++] ?? Number.POSITIVE_INFINITY;
  };
  return { measure, world, count: () => measured };
}

const isGood = (value: number) => value < 5;

test("the first good round ends it, although the machine lost time in it", async () => {
  const { measure, world, count } = rounds([9, 4, 1], [0, 500]);
  expect(await bestRound(measure, isGood, 3, world)).toBe(4);
  expect(count()).toBe(2);
});

test("bad rounds end it after their number, and the last one counts", async () => {
  const { measure, world, count } = rounds([9, 8, 7, 1], [0, 20]);
  expect(await bestRound(measure, isGood, 3, world)).toBe(7);
  expect(count()).toBe(3);
});

test("a bad round in which the machine lost its processor does not count, but not without an end", async () => {
  const some = rounds([9, 9, 8, 4], [500, 500, 0, 0]);
  expect(await bestRound(some.measure, isGood, 2, some.world)).toBe(4);
  const always = rounds([], [30]);
  expect(await bestRound(always.measure, isGood, 2, always.world)).toBe(Number.POSITIVE_INFINITY);
  expect(always.count()).toBe(22);
});

test("the lost time is a number that does not fall", () => {
  const first = lostMs();
  expect(first).toBeGreaterThanOrEqual(0);
  expect(lostMs()).toBeGreaterThanOrEqual(first);
});
