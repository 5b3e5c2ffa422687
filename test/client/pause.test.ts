import { expect, test } from "bun:test";
import { PAUSE_MS, Pause, REFUSED_PAUSE_MS } from "../../src/client/pause.ts";

function lost(): Pause {
  const pause = new Pause();
  for (let i = 0; i < 3; i++) pause.failed(0, false);
  return pause;
}

test("three failures in a row begin one pause, and an answer starts the count again", () => {
  const pause = new Pause();
  expect([pause.failed(0, false), pause.failed(0, false), pause.isOn]).toEqual([false, false, false]);
  expect(pause.answered()).toBeFalse();
  expect([pause.failed(0, false), pause.failed(0, false), pause.mayAsk(0)]).toEqual([false, false, true]);
  expect([pause.failed(0, false), pause.failed(0, false), pause.isOn]).toEqual([true, false, true]);
});

test("no question is asked until the pause is over; then one is the probe, and the others wait for its answer", () => {
  const pause = lost();
  expect([pause.mayAsk(0), pause.mayAsk(PAUSE_MS - 1)]).toEqual([false, false]);
  expect([pause.mayAsk(PAUSE_MS), pause.mayAsk(PAUSE_MS)]).toEqual([true, false]);
  pause.failed(PAUSE_MS + 8, false);
  expect([pause.mayAsk(2 * PAUSE_MS), pause.mayAsk(2 * PAUSE_MS + 8)]).toEqual([false, true]);
  expect([pause.answered(), pause.isOn, pause.mayAsk(2 * PAUSE_MS + 9)]).toEqual([true, false, true]);
});

test("a probe without a result does not stop the next one", () => {
  const pause = lost();
  expect(pause.mayAsk(PAUSE_MS)).toBeTrue();
  expect(pause.mayAsk(2 * PAUSE_MS)).toBeTrue();
});

test("a late answer makes the first probe come at once, but no later one", () => {
  const pause = lost();
  pause.answeredLate();
  expect([pause.mayAsk(1), pause.mayAsk(1)]).toEqual([true, false]);
  pause.failed(9, false);
  pause.answeredLate();
  expect([pause.mayAsk(10), pause.mayAsk(9 + PAUSE_MS)]).toEqual([false, true]);
});

test("after a refusal the pause is short, and a first late answer still ends it", () => {
  const pause = new Pause();
  for (let i = 0; i < 3; i++) pause.failed(0, true);
  expect([pause.mayAsk(REFUSED_PAUSE_MS - 1), pause.mayAsk(REFUSED_PAUSE_MS)]).toEqual([false, true]);
  pause.failed(REFUSED_PAUSE_MS, true);
  expect([pause.mayAsk(REFUSED_PAUSE_MS), pause.mayAsk(2 * REFUSED_PAUSE_MS)]).toEqual([false, true]);
  pause.failed(2 * REFUSED_PAUSE_MS, true);
  pause.answeredLate();
  expect(pause.mayAsk(2 * REFUSED_PAUSE_MS)).toBeTrue();
});

test("a daemon that comes and goes is reported lost once in a while, and once more when it stays away", () => {
  const pause = new Pause();
  const told: string[] = [];
  for (let nowMs = 0; nowMs < 3 * PAUSE_MS; nowMs += REFUSED_PAUSE_MS) {
    for (let i = 0; i < 3; i++) if (pause.failed(nowMs, true)) told.push("lost");
    if (nowMs < 2 * PAUSE_MS && pause.answered()) told.push("found");
  }
  expect(told).toEqual(["lost", "found", "lost", "found", "lost"]);
});
