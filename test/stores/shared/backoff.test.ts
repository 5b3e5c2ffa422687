import { expect, test } from "bun:test";
import { backoffMs } from "../../../src/stores/shared/backoff.ts";
import { Random } from "../../support/random.ts";

test("waits grow up to five seconds, and none is nothing", () => {
  expect([1, 2, 3, 7, 50, 5_000].map((failures) => Math.round(backoffMs(failures, 0.999_999_9)))).toEqual([
    100, 200, 400, 5_000, 5_000, 5_000,
  ]);
  expect([1, 7, 5_000].map((failures) => backoffMs(failures, 0))).toEqual([20, 20, 20]);
});

test("a thousand daemons that lost their store together do not come back together", () => {
  const random = new Random();
  const BACK_AT_MS = 60_000;
  const TICK_MS = 100;
  const triesByTick = new Map<number, number>();
  const lastSuccess: number[] = [];
  for (let daemon = 0; daemon < 1_000; daemon++) {
    let atMs = 0;
    for (let failures = 1; atMs < BACK_AT_MS; failures++) {
      atMs += backoffMs(failures, random.fraction());
      const tick = Math.floor(atMs / TICK_MS);
      // The first second is when they lost it, all at once; what counts is how they come back.
      if (atMs > 10_000) triesByTick.set(tick, (triesByTick.get(tick) ?? 0) + 1);
    }
    lastSuccess.push(atMs);
  }
  // Evenly spread they would be 40 in a tenth of a second, at 2.5 s on average.
  expect(Math.max(...triesByTick.values())).toBeLessThan(120);
  expect(Math.max(...lastSuccess) - BACK_AT_MS).toBeLessThanOrEqual(5_000);
});
