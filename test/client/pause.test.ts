import { expect, test } from "bun:test";
import { PAUSE_MS, Pause } from "../../src/client/pause.ts";

function lost(): Pause {
  const pause = new Pause();
  for (let i = 0; i < 3; i++) pause.failed(0);
  return pause;
}

test("three failures in a row begin it, once; an answer between them does not count as one", () => {
  const pause = new Pause();
  expect([pause.failed(0), pause.failed(0), pause.isOn]).toEqual([false, false, false]);
  expect(pause.answered()).toBeFalse();
  expect([pause.failed(0), pause.failed(0), pause.mayAsk(0)]).toEqual([false, false, true]);
  expect([pause.failed(0), pause.failed(0), pause.isOn]).toEqual([true, false, true]);
});

test("nobody asks until it is over, then one does, and the others wait for that one's answer", () => {
  const pause = lost();
  expect([pause.mayAsk(0), pause.mayAsk(PAUSE_MS - 1)]).toEqual([false, false]);
  expect([pause.mayAsk(PAUSE_MS), pause.mayAsk(PAUSE_MS)]).toEqual([true, false]);
  pause.failed(PAUSE_MS + 8);
  expect([pause.mayAsk(2 * PAUSE_MS), pause.mayAsk(2 * PAUSE_MS + 8)]).toEqual([false, true]);
  expect([pause.answered(), pause.isOn, pause.mayAsk(2 * PAUSE_MS + 9)]).toEqual([true, false, true]);
});

test("a probe whose end is never told does not stop the next one", () => {
  const pause = lost();
  expect(pause.mayAsk(PAUSE_MS)).toBeTrue();
  expect(pause.mayAsk(2 * PAUSE_MS)).toBeTrue();
});

test("a late answer makes the first probe come at once, and no other", () => {
  const pause = lost();
  pause.answeredLate();
  expect([pause.mayAsk(1), pause.mayAsk(1)]).toEqual([true, false]);
  pause.failed(9);
  pause.answeredLate();
  expect([pause.mayAsk(10), pause.mayAsk(9 + PAUSE_MS)]).toEqual([false, true]);
});
