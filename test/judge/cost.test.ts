import { expect, test } from "bun:test";
import { median } from "../../bench/report.ts";
import { SEGMENTS_MAX } from "../../src/judge/segment.ts";
import { verdict } from "../../src/judge/verdict.ts";
import "../support/alone.ts";
import { Random } from "../support/random.ts";

/** The judge looks after each coin, between the answers to two visitors. */
const MS_MAX = 1;
const RUNS = 500;

test("a verdict on the longest release, with all metrics, takes less than a millisecond", () => {
  const random = new Random();
  const metrics = ["errors", "known-errors", "slow-1", "slow-2", "slow-3"].map((name, index) => ({
    ...{ name, weight: 0.2, visitors: index < 2 ? 10_000 : undefined },
    segments: Array.from({ length: SEGMENTS_MAX }, (_, place) => {
      // A plan of 32 steps. With few coins, no term of the sum can be left out.
      const rollout = (1 + Math.floor(place / 16)) / 40;
      return { rollout, control: 1 - rollout, canary: random.whole(0, 1), master: random.whole(0, 3) };
    }),
  }));
  const facts = {
    ...{ metrics, isAborted: false, stepMs: 1e6, stepFrom: 400, rolloutNext: 1, signs: [], reach: undefined },
  };
  const times = Array.from({ length: RUNS }, () => {
    const beganAtMs = performance.now();
    verdict(facts);
    return performance.now() - beganAtMs;
  });
  expect(median(times)).toBeLessThan(MS_MAX);
});
