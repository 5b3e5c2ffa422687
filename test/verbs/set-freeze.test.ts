/** How a freeze is written, whatever other writers and the network do. */

import { describe, expect, test } from "bun:test";
import { releaseField } from "../../src/releases/release-field.ts";
import { StoreError } from "../../src/stores/store.ts";
import type { Carrying } from "../../src/verbs/carry-out.ts";
import { FREEZE, freezeFields } from "../../src/verbs/freeze.ts";
import { APPLICATIONS_READ_MAX, runningReleases } from "../../src/verbs/running-releases.ts";
import { setFreeze } from "../../src/verbs/set-freeze.ts";
import { releaseOf } from "../releases/world.ts";
import { MemoryStore } from "../support/memory-store.ts";

const AT_MS = Date.parse("2026-11-29T12:00:00.000Z");

const carryingTo = (store: MemoryStore, changes: Partial<Carrying> = {}): Carrying => ({
  ...{ store, author: "ada@web-1", why: "Black Friday", signal: AbortSignal.timeout(5_000) },
  ...{ wallClock: () => AT_MS, pause: async () => {}, random: () => 0.5, drawKey: () => "" },
  timeLimit: (ms) => AbortSignal.timeout(ms),
  ...changes,
});

const put = (store: MemoryStore, isFrozen: boolean, by: string) =>
  store.put(FREEZE.application, FREEZE.version, freezeFields(isFrozen, by, new Date(AT_MS - 1), undefined));

const isFrozenIn = (store: MemoryStore) => store.value(FREEZE.application, FREEZE.version)?.["frozen"];

describe("a freeze", () => {
  test("is written once, with author, time and reason, and the end of it too", async () => {
    const store = new MemoryStore(() => AT_MS + 5);
    const now = { isFrozen: true, by: "ada@web-1", at: "2026-11-29T12:00:00.005Z", why: "Black Friday" };
    expect(await setFreeze(true, carryingTo(store))).toMatchObject({ kind: "written", now });
    expect(await setFreeze(true, carryingTo(store))).toEqual({ kind: "unchanged", now });
    expect(store.calls.write).toBe(1);
    expect(await setFreeze(false, carryingTo(store))).toMatchObject({ kind: "written", before: now });
    expect(store.value(FREEZE.application, FREEZE.version)).toMatchObject({
      ...{ rollout: 0, frozen: false },
      history: [{ rollout: 0, updatedBy: "ada@web-1", why: "Black Friday", frozen: true }],
    });
    expect(await setFreeze(false, carryingTo(store))).toMatchObject({ kind: "unchanged" });
  });

  test("is tried again after any number of other writers", async () => {
    const store = new MemoryStore();
    let writers = 20;
    store.before = () => {
      if (writers-- > 0) put(store, false, `bob${writers}`);
      return undefined;
    };
    expect(await setFreeze(true, carryingTo(store))).toMatchObject({ kind: "written" });
    expect(isFrozenIn(store)).toBe(true);
  });

  test("that another operator has just written is not ended", async () => {
    const store = new MemoryStore();
    put(store, true, "bob");
    store.before = () => {
      store.before = undefined;
      put(store, true, "carol");
      return undefined;
    };
    const outcome = await setFreeze(false, carryingTo(store));
    expect(outcome).toMatchObject({ kind: "conflict", now: { by: "carol" } });
    expect(isFrozenIn(store)).toBe(true);
  });

  test("is done if the answer was lost and the record has its author and its time", async () => {
    const store = new MemoryStore();
    store.before = () => "lose";
    expect(await setFreeze(true, carryingTo(store))).toMatchObject({ kind: "written" });
    expect(store.calls.write).toBe(1);
  });

  test("is tried again if the store fails to write, but not for ever", async () => {
    const store = new MemoryStore();
    store.before = () => {
      throw new StoreError("unavailable", "away");
    };
    expect(await setFreeze(true, carryingTo(store))).toMatchObject({ kind: "failed" });
    expect(store.calls.write).toBe(4);
    store.before = () => {
      throw new StoreError("denied", "no rights");
    };
    await expect(setFreeze(true, carryingTo(store))).rejects.toThrow("no rights");
  });

  test("its end is unsure if another operator wrote over it", async () => {
    const store = new MemoryStore();
    put(store, true, "bob");
    store.before = () => "lose";
    store.afterLoss = () => put(store, true, "carol");
    expect(await setFreeze(false, carryingTo(store))).toMatchObject({ kind: "unsure" });
    expect(isFrozenIn(store)).toBe(true);
  });

  test("is unsure if the store cannot be read after the write", async () => {
    const store = new MemoryStore();
    store.before = () => {
      store.read = () => Promise.reject(new StoreError("unavailable", "gone"));
      throw new StoreError("unavailable", "away");
    };
    expect(await setFreeze(true, carryingTo(store))).toMatchObject({ kind: "unsure" });
  });

  test("cannot be written into a store that is read-only", async () => {
    const { address, read, close } = new MemoryStore();
    const carrying = { ...carryingTo(new MemoryStore()), store: { address, read, close } };
    expect(await setFreeze(true, carrying)).toEqual({ kind: "read-only" });
  });
});

describe("the releases that a freeze holds back", () => {
  const signal = AbortSignal.timeout(5_000);
  const record = (id: number, changes = {}) => {
    const release = releaseOf({ id, ...changes });
    return { rollout: release.wrote[0], offset: release.wrote[1], release: releaseField(release) };
  };

  test("are the running ones of all applications, in order", async () => {
    const store = new MemoryStore();
    store.put("shop", "canary", record(3));
    store.put("app", "blue", record(9));
    store.put("api", "canary", record(1, { state: "paused" }));
    store.put("web", "canary", { rollout: 0.5 });
    put(store, true, "bob");
    const names = ["shop", "app", "api", "web", FREEZE.application];
    const listing = Object.assign(store, { applications: async () => names });
    const { running, isWhole } = await runningReleases(listing, [], signal);
    expect(running.map(({ application, version, release }) => [application, version, release.id])).toEqual([
      ["app", "blue", 9],
      ["shop", "canary", 3],
    ]);
    expect(isWhole).toBe(true);
    expect(store.calls.read).toBe(4);
  });

  test("are those of the named applications if the store cannot list its own", async () => {
    const store = new MemoryStore();
    store.put("app", "canary", record(7));
    const { running, isWhole } = await runningReleases(store, ["app"], signal);
    expect([running.length, isWhole]).toEqual([1, false]);
  });

  test("are looked for in a limited number of applications", async () => {
    const names = Array.from({ length: APPLICATIONS_READ_MAX + 1 }, (_, index) => `a${index}`);
    const store = Object.assign(new MemoryStore(), { applications: async () => names });
    expect((await runningReleases(store, [], signal)).isWhole).toBe(false);
    expect(store.calls.read).toBe(APPLICATIONS_READ_MAX);
  });
});
