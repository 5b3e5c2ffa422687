/** The time limit of all that a command asks of a store. */

import { expect, test } from "bun:test";
import { inTime } from "../../src/cli/with-store.ts";

const IO = { env: {}, stdout: { write() {} }, stderr: { write() {} } };
const STORE = { address: "memory:" };

test("a verb that is tried until the time is over ends like a store that does not answer", async () => {
  const tryForEver = async (signal: AbortSignal): Promise<never> => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  };
  await expect(inTime(STORE, IO, tryForEver, 20)).rejects.toMatchObject({
    ...{ name: "StoreError", code: "unavailable" },
    message: "memory: did not answer within 0.02 s",
  });
});

test("another error within the time stays as it is", async () => {
  const wrong = new TypeError("a bug");
  await expect(inTime(STORE, IO, () => Promise.reject(wrong), 1_000)).rejects.toBe(wrong);
});
