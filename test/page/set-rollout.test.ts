/** A rollout that the page sets, and a store with other writers. */

import { expect, test } from "bun:test";
import type { SetAct } from "../../src/page/act.ts";
import { setRollout } from "../../src/page/set-rollout.ts";
import type { Store } from "../../src/stores/store.ts";
import { snapshotOf } from "../support/scripted-store.ts";

const wanted = (rollout: number): SetAct => ({
  ...{ verb: "set", application: "website", version: "canary", rollout, reason: "" },
  expect: rollout === 0 ? undefined : 0.05,
});

/** Another writer is always first. */
function contested(): Store & { readonly writes: () => number } {
  let writes = 0;
  const snapshot = snapshotOf({ canary: { rollout: 0.05 } });
  return {
    address: "memory:",
    writes: () => writes,
    read: async () => snapshot,
    write: async () => {
      writes++;
      return { ok: false, current: snapshot.get("canary") };
    },
    close: async () => {},
  };
}

const setBy = (store: Store, rollout: number, ms: number) =>
  setRollout(wanted(rollout), {
    ...{ store, storeFlags: [], author: "ada@web-1" },
    signal: AbortSignal.timeout(ms),
  });

test("a share gives way to another writer, and is tried once", async () => {
  const store = contested();
  expect(await setBy(store, 0.1, 5_000)).toMatchObject({ exit: "conflict" });
  expect(store.writes()).toBe(1);
});

test("the way down is tried again until its time is over, and then says that nothing was written, and the way out", async () => {
  const store = contested();
  const words = await setBy(store, 0, 300);
  expect(words).toMatchObject({
    exit: "unreachable",
    text: expect.stringContaining("nothing was written"),
    remedy: expect.stringContaining("systemctl stop maxwells-daemon"),
  });
  expect(store.writes()).toBeGreaterThan(2);
});
