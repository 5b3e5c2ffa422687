import { expect, test } from "bun:test";
import { inLanes } from "../../scripts/test/lanes.ts";

/** Runs twenty items of 20 ms each on a machine that is as idle; the most at a time, and their order. */
async function ran(idle: number) {
  const started: number[] = [];
  let [running, most] = [0, 0];
  await inLanes(
    Array.from({ length: 20 }, (_, index) => index),
    { least: 2, most: 5 },
    async (item) => {
      started.push(item);
      most = Math.max(most, ++running);
      await Bun.sleep(20);
      running--;
    },
    { idleShare: () => idle, lookEveryMs: 2 },
  );
  return { started, most, running };
}

test("while the processors stand idle, more files run at a time, up to a limit", async () => {
  expect((await ran(0.1)).most).toBe(2);
  expect((await ran(0.5)).most).toBe(5);
});

test("all are run to their end, in their order", async () => {
  const { started, running } = await ran(0.5);
  expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(running).toBe(0);
});

test("a run that fails is told", async () => {
  const failing = inLanes([1], { least: 1, most: 1 }, () => Promise.reject(new Error("no")));
  expect(await failing.catch((error: Error) => error.message)).toBe("no");
});
