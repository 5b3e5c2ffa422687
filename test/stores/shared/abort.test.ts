import { expect, test } from "bun:test";
import { unlessAborted } from "../../../src/stores/shared/abort.ts";
import { reasonOf } from "../../support/reason-of.ts";
import { within } from "../store-suite.ts";

const never = new Promise<never>(() => {});

test("work that never ends is given up with its signal, and the cause is told", async () => {
  const gaveUp = new AbortController();
  const waiting = unlessAborted(gaveUp.signal, never);
  gaveUp.abort(new Error("no patience"));
  expect(await reasonOf(within(1_000, waiting))).toMatchObject({
    name: "StoreError",
    code: "unavailable",
    cause: { message: "no patience" },
  });
});

test("a signal that has aborted already is given up at once", async () => {
  expect(await reasonOf(unlessAborted(AbortSignal.abort(), never))).toMatchObject({ code: "unavailable" });
});

test("work that settles first is passed on as it is", async () => {
  const signal = new AbortController().signal;
  expect(await unlessAborted(signal, Promise.resolve(7))).toBe(7);
  const failure = new Error("its own");
  expect(await reasonOf(unlessAborted(signal, Promise.reject(failure)))).toBe(failure);
});
