import { expect, test } from "bun:test";
import { fadedRollout } from "../../src/releases/fade.ts";
import { awkward, holds } from "../support/random.ts";

test("a fade falls evenly from its beginning to 0, in thousandths", () => {
  const at = (ms: number) => fadedRollout([1, 1_000, 10_000], ms);
  expect([0, 1_000, 3_500, 6_000, 10_990, 11_000, 1e12].map(at)).toEqual([1, 1, 0.75, 0.5, 0.001, 0, 0]);
});

test("a fade without a duration, or with a clock that has no time, is over", () => {
  expect(fadedRollout([1, 1_000, 0], 1_000)).toBe(0);
  expect(fadedRollout([1, 1_000, 10_000], Number.NaN)).toBe(0);
});

test("no fade rises with time, and none leaves the range from 0 to its beginning", () => {
  holds(20_000, (random) => {
    const from = awkward(random);
    const fade = [from, random.bits(), random.whole(0, 1e6)] as const;
    const [early, late] = [random.whole(-1e6, 2e6), random.whole(0, 1e6)];
    const before = fadedRollout(fade, fade[1] + early);
    const then = fadedRollout(fade, fade[1] + early + late);
    expect(before).toBeWithin(0, from + Number.EPSILON);
    expect(then).toBeLessThanOrEqual(before);
  });
});
