/** The time limit of all that a command asks of a store, and the hint if no setting names the store. */

import { describe, expect, test } from "bun:test";
import { inTime, STORE_OPTIONS, withStore } from "../../src/cli/with-store.ts";
import { loadSettings, Problems } from "../../src/config/load.ts";
import { StoreError } from "../../src/stores/store.ts";
import { reasonOf } from "../support/reason-of.ts";

const IO = { env: {}, stdout: { write() {} }, stderr: { write() {} } };
const STORE = { address: "memory:" };

test("a verb that is tried until the time is over ends like a store that does not answer", async () => {
  const tryForEver = async (signal: AbortSignal): Promise<never> => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  };
  expect(await reasonOf(inTime(STORE, IO, tryForEver, 20))).toMatchObject({
    ...{ name: "StoreError", code: "unavailable" },
    message: "memory: did not answer within 0.02 s",
  });
});

test("another error within the time stays as it is", async () => {
  const wrong = new TypeError("a bug");
  expect(await reasonOf(inTime(STORE, IO, () => Promise.reject(wrong), 1_000))).toBe(wrong);
});

describe("a store that fails", () => {
  async function warned(argv: readonly string[], error: Error): Promise<string> {
    const loaded = loadSettings(
      { argv, environment: {}, readFile: () => "", defaultFile: undefined },
      { options: STORE_OPTIONS, known: STORE_OPTIONS, defaults: { store: "constant:0" } },
    );
    if (loaded instanceof Problems) throw new Error(loaded.messages.join("\n"));
    let text = "";
    const write = (words: string) => {
      text += words;
    };
    const io = { ...IO, stderr: { write } };
    expect(await reasonOf(withStore(loaded.settings, io, () => Promise.reject(error)))).toBe(error);
    return text;
  }
  const denied = new StoreError("denied", "no credentials were found");

  test("is the default: the operator learns that no setting names it", async () => {
    const hint = "names a -store, so this is the default, constant:0; name the store of your daemons";
    expect(await warned([], denied)).toContain(hint);
    expect(await warned([], new Error("nothing was written", { cause: denied }))).toContain(hint);
  });

  test("is one that a setting names, or it has not failed: there is no hint", async () => {
    expect(await warned(["-store", "constant:0"], denied)).toBe("");
    expect(await warned([], new Error("no records"))).toBe("");
  });
});
