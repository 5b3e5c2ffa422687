import { expect, test } from "bun:test";
import { type Deadlined, Deadlines } from "../../src/client/deadlines.ts";

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** Deadlines that settle each entry that expires, and a list of those entries. */
function watched() {
  const expired: Deadlined[] = [];
  const deadlines = new Deadlines<Deadlined>((waiting) => {
    expired.push(waiting);
    waiting.isSettled = true;
    deadlines.settled();
  });
  const add = (inMs: number): Deadlined => {
    const nowMs = performance.now();
    const waiting = { deadlineMs: nowMs + inMs, isSettled: false };
    deadlines.add(waiting, nowMs);
    return waiting;
  };
  return { deadlines, expired, add };
}

test("entries expire in order when their time is up, and a settled entry does not expire", async () => {
  const { deadlines, expired, add } = watched();
  const all = [add(5), add(10), add(15)];
  const settled = all[1] as Deadlined;
  settled.isSettled = true;
  deadlines.settled();
  while (deadlines.count > 0) await Bun.sleep(1);
  expect(expired).toEqual([all[0], all[2]] as Deadlined[]);
});

test("a question asked while the application is busy does not fail before its answer could be read", async () => {
  const { deadlines, expired, add } = watched();
  const first = add(5);
  const turn = new Promise<void>((resolve) => {
    // Fires in the same turn as the first entry's timer, and after it.
    setTimeout(() => {
      const second = add(5);
      block(30);
      setImmediate(() => {
        expect(expired).toEqual([first]);
        second.isSettled = true;
        deadlines.settled();
        resolve();
      });
    }, 6);
  });
  block(30);
  await turn;
  expect([expired, deadlines.count]).toEqual([[first], 0]);
});
