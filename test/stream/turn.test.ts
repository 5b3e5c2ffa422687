import { expect, test } from "bun:test";
import { Histogram } from "../../src/metrics.ts";
import { Turn } from "../../src/stream/turn.ts";

test("law 5: a turn is over when its time is used up, whatever used it, and the next one is not", async () => {
  let nowMs = 1_000;
  const turn = new Turn(() => nowMs, new Histogram());
  expect(turn.now()).toBe(1_000);
  nowMs += 0.75;
  turn.lookAtClock();
  expect(turn.isOver).toBeFalse();
  nowMs += 0.5;
  expect(turn.isOver).toBeFalse();
  turn.lookAtClock();
  expect(turn.isOver).toBeTrue();
  expect(turn.now()).toBe(1_000);
  await new Promise(setImmediate);
  expect(turn.isOver).toBeFalse();
  turn.lookAtClock();
  expect(turn.isOver).toBeFalse();
  expect(turn.now()).toBe(1_001.25);
});
