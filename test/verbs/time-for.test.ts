import { expect, test } from "bun:test";
import type { Store } from "../../src/stores/store.ts";
import { timeFor } from "../../src/verbs/look.ts";

const hanging: Store = {
  address: "hanging:",
  read: async () => new Map(),
  clock: () => new Promise(() => {}),
  close: async () => {},
};

const timing = { wallClock: () => 42, signal: new AbortController().signal };

test("a verb that lowers takes this machine's clock if the store's does not answer in time", async () => {
  const limit = new AbortController();
  const time = timeFor(hanging, true, { ...timing, timeLimit: () => limit.signal });
  limit.abort();
  expect(await time).toBe(42);
});

test("it does so at once if its caller has given up before", async () => {
  const given = { ...timing, signal: AbortSignal.abort(), timeLimit: () => new AbortController().signal };
  expect(await timeFor(hanging, true, given)).toBe(42);
});
