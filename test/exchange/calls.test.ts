/** Calls of a store end in time, and few of them are made. */

import { describe, expect, test } from "bun:test";
import { Turns } from "../../src/controller/turns.ts";
import { Calls } from "../../src/exchange/calls.ts";
import { StoreClock } from "../../src/exchange/store-clock.ts";
import { HandTime, settle } from "../support/hand-time.ts";

describe("a call", () => {
  test("that neither answers nor heeds its signal is given up, and too many of them end all further ones", async () => {
    const time = new HandTime();
    const calls = new Calls(time.timers);
    const hanging = Array.from({ length: 16 }, () => calls.run(1_000, () => new Promise(() => {})));
    const told = Promise.allSettled(hanging);
    await time.pass(1_000);
    for (const each of await told) expect(each).toMatchObject({ reason: { message: "no answer within 1s" } });
    expect(calls.run(1_000, async () => 1)).rejects.toThrow("16 calls of the store hang");
    expect(time.pending).toBe(0);
  });

  test("that ends late makes room again", async () => {
    const time = new HandTime();
    const calls = new Calls(time.timers);
    const late = Array.from({ length: 16 }, () => Promise.withResolvers<number>());
    const told = Promise.allSettled(late.map(({ promise }) => calls.run(1_000, () => promise)));
    await time.pass(1_000);
    await told;
    late[0]?.resolve(1);
    await settle();
    expect(await calls.run(1_000, async () => 2)).toBe(2);
  });

  test("that throws before it returns a promise has failed", async () => {
    const calls = new Calls(new HandTime().timers);
    const thrown = calls.run(1_000, () => {
      throw new Error("no store");
    });
    expect(thrown).rejects.toThrow("no store");
  });

  test("ends with the daemon, and so does the signal of a limit", async () => {
    const time = new HandTime();
    const calls = new Calls(time.timers);
    const limit = calls.limit(1_000);
    const run = calls.run(1_000, () => new Promise(() => {}));
    calls.end();
    expect(run).rejects.toThrow("the daemon ends");
    expect(limit.aborted).toBe(true);
    expect(calls.limit(1_000).aborted).toBe(true);
    const passed = new Calls(time.timers).limit(1_000);
    await time.pass(1_000);
    expect(passed.aborted).toBe(true);
  });
});

describe("the store's clock", () => {
  test("is carried on from the middle of the round trip, and asked again only after a while", async () => {
    const time = new HandTime();
    let asked = 0;
    const clock = async () => {
      asked++;
      // The way there and the way back take 100 ms each.
      await new Promise((resolve) => time.timers.set(() => resolve(undefined), 200));
      return 5_000_000;
    };
    const storeClock = new StoreClock({ clock }, time.clock, new Calls(time.timers));
    expect(storeClock.at(time.nowMs)).toBeUndefined();
    const refreshed = Promise.all([storeClock.refresh(0), storeClock.refresh(0)]);
    await time.pass(200);
    await refreshed;
    expect([asked, storeClock.at(time.nowMs)]).toEqual([1, 5_000_100]);
    expect(storeClock.at(time.nowMs - 300)).toBe(4_999_800);
    await storeClock.refresh(10_000);
    expect(asked).toBe(1);
    await time.pass(10_000);
    void storeClock.refresh(10_000);
    await time.pass(200);
    expect(asked).toBe(2);
  });
});

test("a limited number of tasks run at the same time, in their order, also if one fails", async () => {
  const turns = new Turns(2);
  const tasks = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const all = Promise.allSettled(
    tasks.map(({ promise }, index) =>
      turns.run(() => {
        begun.push(index);
        return promise;
      }),
    ),
  );
  await settle();
  expect(begun).toEqual([0, 1]);
  tasks[0]?.reject(new Error("failed"));
  tasks[1]?.resolve();
  await settle();
  expect(begun).toEqual([0, 1, 2, 3]);
  for (const { resolve } of tasks) resolve();
  await all;
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});
