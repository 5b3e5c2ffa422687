import { expect, test } from "bun:test";
import { unlessAborted } from "../../../src/stores/shared/abort.ts";
import { within } from "../store-suite.ts";

const never = new Promise<never>(() => {});

test("work that never ends is given up with its signal, and the cause is told", async () => {
  const gaveUp = new AbortController();
  const waiting = unlessAborted(gaveUp.signal, never);
  gaveUp.abort(new Error("no patience"));
  await expect(within(1_000, waiting)).rejects.toMatchObject({
    name: "StoreError",
    code: "unavailable",
    cause: { message: "no patience" },
  });
});

test("a signal that has aborted already is given up at once", async () => {
  await expect(unlessAborted(AbortSignal.abort(), never)).rejects.toMatchObject({ code: "unavailable" });
});

test("work that settles first is passed on as it is", async () => {
  const signal = new AbortController().signal;
  expect(await unlessAborted(signal, Promise.resolve(7))).toBe(7);
  const failure = new Error("its own");
  await expect(unlessAborted(signal, Promise.reject(failure))).rejects.toBe(failure);
});
