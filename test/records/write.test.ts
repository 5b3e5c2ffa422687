/** How a person's change is written beside a release, whatever other writers and the network do. */

import { describe, expect, test } from "bun:test";
import type { Change } from "../../src/records/change.ts";
import { writeChange } from "../../src/records/write.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { StoreError } from "../../src/stores/store.ts";
import { OTHER_KEY, releaseOf, STAMP } from "../releases/world.ts";
import { MemoryStore } from "../support/memory-store.ts";

function storeWith(release: Release = releaseOf()): MemoryStore {
  const store = new MemoryStore();
  put(store, release);
  return store;
}

function put(store: MemoryStore, release: Release): void {
  const [rollout, offset] = release.wrote;
  store.put("app", "canary", { rollout, offset, release: releaseField(release) });
}

function releaseIn(store: MemoryStore): Release {
  const found = readRelease(store.value("app", "canary")?.["release"]);
  if (found.kind !== "release") throw new Error(JSON.stringify(found));
  return found.release;
}

const changeTo = (rollout: number): Change => ({
  ...{ application: "app", version: "canary", rollout, offset: undefined, failsafe: undefined },
  ...{ expect: undefined, isNew: false, mayOverlap: false },
  signature: { author: "ada@web-1", at: new Date(), why: "INC-42" },
});

const write = (store: MemoryStore, rollout: number) =>
  writeChange(changeTo(rollout), store, AbortSignal.timeout(5_000), async () => STAMP);

describe("law 14: set 0%", () => {
  test("is written after any number of other writers, and aborts the release with the same write", async () => {
    const store = storeWith();
    let writers = 20;
    store.before = () => {
      if (writers-- > 0) put(store, { ...releaseIn(store), seq: 30 - writers, step: 1 + (writers % 3) });
      return undefined;
    };
    expect(await write(store, 0)).toMatchObject({
      ...{ kind: "written", conflicts: 20 },
      following: { notice: "aborted", release: { state: "aborted" } },
    });
    expect(store.value("app", "canary")).toMatchObject({ rollout: 0 });
    expect(releaseIn(store)).toMatchObject({ state: "aborted", seq: 31, tx: STAMP.tx, wrote: [0, 0.25] });
  });

  test("aborts a release of any key, also one that begins in between", async () => {
    const store = storeWith();
    store.before = () => {
      store.before = undefined;
      put(store, releaseOf({ key: OTHER_KEY, id: 8, step: 1, wrote: [0.01, 0.5] }));
      return undefined;
    };
    expect(await write(store, 0)).toMatchObject({ kind: "written", conflicts: 1 });
    expect(releaseIn(store)).toMatchObject({ key: OTHER_KEY, state: "aborted", wrote: [0, 0.5] });
  });

  test("is done if the answer was lost", async () => {
    const store = storeWith();
    store.before = () => "lose";
    expect(await write(store, 0)).toMatchObject({ kind: "written" });
    expect([store.calls.write, releaseIn(store).state]).toEqual([1, "aborted"]);
  });

  test("REL-9: is written without log and past if the store refuses the size", async () => {
    const store = storeWith();
    store.before = (_application, _version, { release, history }) => {
      const { log } = release as { readonly log: readonly unknown[] };
      if (log.length > 0 || history !== undefined) throw new StoreError("refused", "too large");
      return undefined;
    };
    expect(await write(store, 0)).toMatchObject({ kind: "written" });
    expect(releaseIn(store)).toMatchObject({ state: "aborted", log: [], arcs: [] });
    put(store, releaseOf());
    await expect(write(store, 0.03)).rejects.toThrow("too large");
    expect(releaseIn(store).state).toBe("running");
  });
});

test("a rollout does not say that it wrote nothing if another writer wrote over it", async () => {
  const store = new MemoryStore();
  store.put("app", "canary", { rollout: 0.05 });
  store.before = () => "lose";
  store.afterLoss = () => store.put("app", "canary", { rollout: 0.01, updatedBy: "bob@web-1" });
  expect(await write(store, 0.25)).toMatchObject({ kind: "unsure" });
  store.afterLoss = undefined;
  store.before = () => {
    throw new StoreError("unavailable", "away");
  };
  expect(await write(store, 0.25)).toMatchObject({ kind: "failed" });
});

test("a lower rollout gives way to another writer", async () => {
  const store = storeWith();
  store.before = () => {
    put(store, releaseOf({ step: 3, wrote: [0.25, 0.25] }));
    return undefined;
  };
  expect(await write(store, 0.03)).toMatchObject({ kind: "conflict", current: { rollout: 0.25 } });
  expect(releaseIn(store)).toMatchObject({ state: "running", step: 3 });
});

test("a record without a release needs no stamp", async () => {
  const store = new MemoryStore();
  store.put("app", "canary", { rollout: 0.5 });
  const noStamp = () => Promise.reject(new Error("no clock is asked"));
  const outcome = await writeChange(changeTo(0.1), store, AbortSignal.timeout(5_000), noStamp);
  expect(outcome).toMatchObject({ kind: "written", following: undefined });
});
