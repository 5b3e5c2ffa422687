/** How a verb is written: once, by compare-and-set, whatever other writers and the network do. */

import { describe, expect, test } from "bun:test";
import { readHistory } from "../../src/records/history.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Request } from "../../src/releases/request.ts";
import { StoreError } from "../../src/stores/store.ts";
import { type Carrying, carryOut } from "../../src/verbs/carry-out.ts";
import { BEGAN_MS, KEY, OTHER_KEY, REQUESTS, releaseOf } from "../releases/world.ts";
import { MemoryStore } from "../support/memory-store.ts";

const TARGET = { application: "website", version: "canary" } as const;

/** A store with a release in its second step, at 5 %. */
function storeWith(release: Release = releaseOf(), nowMs?: () => number): MemoryStore {
  const store = new MemoryStore(nowMs);
  const [rollout, offset] = release.wrote;
  store.put("website", "canary", { rollout, offset, release: releaseField(release), team: "checkout" });
  return store;
}

let keys = 0;
const carryingTo = (store: MemoryStore, changes: Partial<Carrying> = {}): Carrying => ({
  ...{ store, author: "ada@web-1", why: "INC-42", signal: AbortSignal.timeout(5_000) },
  ...{ wallClock: () => BEGAN_MS + 60_000, random: Math.random, pause: async () => {} },
  timeLimit: (ms) => AbortSignal.timeout(ms),
  drawKey: () => (++keys).toString(16).padStart(24, "0"),
  ...changes,
});

const carry = (store: MemoryStore, request: Request, changes: Partial<Carrying> = {}) =>
  carryOut(TARGET, () => request, carryingTo(store, changes));

function releaseIn(store: MemoryStore): Release {
  const found = readRelease(store.value("website", "canary")?.["release"]);
  if (found.kind !== "release") throw new Error(JSON.stringify(found));
  return found.release;
}

/** Calls back before the first `count` writes. */
function before(store: MemoryStore, count: number, act: (index: number) => "lose" | undefined): void {
  let index = 0;
  store.before = () => (index < count ? act(index++) : undefined);
}

const wrote = (store: MemoryStore, release: Partial<Release>): void => {
  const changed = { ...releaseIn(store), ...release };
  store.put("website", "canary", {
    rollout: changed.wrote[0],
    offset: changed.wrote[1],
    release: releaseField(changed),
  });
};

describe("REL-6: a verb", () => {
  test("changes the rollout and the release in one write, and keeps the other fields", async () => {
    const store = storeWith();
    const outcome = await carry(store, REQUESTS.promote);
    expect(outcome).toMatchObject({ kind: "written", rollout: 0.25, notice: "advanced", conflicts: 0 });
    expect(store.calls).toMatchObject({ read: 1, write: 1 });
    expect(store.value("website", "canary")).toMatchObject({
      ...{ rollout: 0.25, offset: 0.25, team: "checkout", updatedBy: "ada@web-1", why: "INC-42" },
      updatedAt: new Date(BEGAN_MS + 60_000).toISOString(),
    });
    expect(releaseIn(store)).toMatchObject({ state: "running", step: 3, seq: 5, wrote: [0.25, 0.25] });
  });

  test("is done if the answer was lost and the record has its tx", async () => {
    const store = storeWith();
    before(store, 1, () => "lose");
    expect(await carry(store, REQUESTS.promote)).toMatchObject({ kind: "written", rollout: 0.25 });
    expect([store.calls.write, releaseIn(store).step]).toEqual([1, 3]);
  });

  test("does not say that it wrote nothing if another writer wrote over it", async () => {
    const store = storeWith();
    before(store, 1, () => "lose");
    store.afterLoss = () => wrote(store, { seq: 9, tx: OTHER_KEY });
    expect(await carry(store, REQUESTS.promote)).toMatchObject({ kind: "unsure" });
    expect([store.calls.write, releaseIn(store).seq]).toEqual([1, 9]);
    const other = storeWith();
    before(other, 1, () => "lose");
    other.afterLoss = () => wrote(other, { ...releaseOf(), seq: 9, tx: OTHER_KEY });
    expect(await carry(other, REQUESTS.abort)).toMatchObject({ kind: "written" });
    expect([other.calls.write, releaseIn(other).state]).toEqual([2, "aborted"]);
  });

  test("takes since from the store's clock", async () => {
    const store = storeWith(releaseOf(), () => BEGAN_MS + 7_000);
    await carry(store, REQUESTS.promote);
    expect(releaseIn(store).since).toBe(new Date(BEGAN_MS + 7_000).toISOString());
  });

  test("that raises is not written if the store's clock does not answer; an abort is", async () => {
    const store = storeWith();
    store.clock = () => Promise.reject(new StoreError("unavailable", "no clock"));
    expect(carry(store, REQUESTS.promote)).rejects.toThrow("no clock");
    expect(await carry(store, REQUESTS.abort)).toMatchObject({ kind: "written", rollout: 0 });
    expect(releaseIn(store).since).toBe(new Date(BEGAN_MS + 60_000).toISOString());
  });

  test("law 10: an abort waits a second at most for a clock that hangs", async () => {
    const store = storeWith();
    store.clock = () => new Promise(() => {});
    const beganMs = performance.now();
    expect(await carry(store, REQUESTS.abort)).toMatchObject({ kind: "written", rollout: 0 });
    expect(performance.now() - beganMs).toBeLessThan(3_000);
  });
});

test("the reason of a daemon that ends a release stays in the history when the next release begins", async () => {
  const store = storeWith();
  const sentence = "all 3 visitors who met errors were the canary's";
  await carry(store, { ...REQUESTS.verdict, reason: sentence } as Request, {
    author: "web-2",
    why: undefined,
  });
  expect(store.value("website", "canary")).toMatchObject({ rollout: 0, updatedBy: "web-2", why: sentence });
  await carry(store, { ...REQUESTS.release, seenKey: KEY } as Request, { why: undefined });
  expect(releaseIn(store).key).toBe(OTHER_KEY);
  const changes = await readHistory(store, "website", "canary", 10, AbortSignal.timeout(5_000));
  expect(changes.map(({ updatedBy, why }) => [updatedBy, why])).toContainEqual(["web-2", sentence]);
  expect(changes[0]?.why).toBe(undefined);
});

test.each([
  [0.07, "another writer changed the rollout or the offset"],
  [0, "another writer set the rollout to 0%"],
])("a controller that finds a foreign rollout of %p says so in the record", async (rollout, why) => {
  const store = storeWith();
  store.put("website", "canary", { ...store.value("website", "canary"), rollout });
  await carry(store, REQUESTS.foreign, { author: "web-2", why: undefined });
  expect(store.value("website", "canary")).toMatchObject({ rollout, updatedBy: "web-2", why });
});

describe("REL-7: a verb that raises", () => {
  test.each(["promote", "resume", "advance", "release"] as const)(
    "%s gives way to another writer",
    async (verb) => {
      const store = storeWith(releaseOf(verb === "resume" ? { state: "paused" } : {}));
      if (verb === "release") wrote(store, { state: "aborted", wrote: [0, 0.25] });
      before(store, 1, () => {
        wrote(store, { seq: 9 });
        return undefined;
      });
      expect(await carry(store, REQUESTS[verb])).toMatchObject({ kind: "conflict" });
      expect([store.calls.write, releaseIn(store).seq]).toEqual([1, 9]);
    },
  );
});

describe("REL-8: a verb that lowers or stops", () => {
  test.each(["abort", "undo", "pause", "verdict"] as const)(
    "%s is written after any number of other writers",
    async (verb) => {
      const store = storeWith();
      before(store, 20, (index) => {
        wrote(store, { seq: 10 + index, step: 1 + (index % 3) });
        return undefined;
      });
      expect(await carry(store, REQUESTS[verb])).toMatchObject({ kind: "written", conflicts: 20 });
      expect(releaseIn(store).seq).toBe(30);
    },
  );

  test("finish is written after any number of other writers", async () => {
    const store = storeWith(releaseOf({ state: "promoted", step: 4, wrote: [1, 0.25] }));
    before(store, 20, (index) => {
      wrote(store, { seq: 10 + index });
      return undefined;
    });
    expect(await carry(store, REQUESTS.finish)).toMatchObject({ kind: "written", conflicts: 20 });
    expect(releaseIn(store)).toMatchObject({ state: "finished", seq: 30 });
  });

  test("is tried again if the store fails to write, but not for ever", async () => {
    const store = storeWith();
    const fail = () => {
      throw new StoreError("unavailable", "away");
    };
    before(store, 3, fail);
    expect(await carry(store, REQUESTS.abort)).toMatchObject({ kind: "written" });
    const other = storeWith();
    before(other, 100, fail);
    expect(await carry(other, REQUESTS.abort)).toMatchObject({ kind: "failed" });
    expect(other.calls.write).toBe(4);
  });

  test("does not follow to another release", async () => {
    const store = storeWith();
    before(store, 1, () => {
      wrote(store, { key: OTHER_KEY, seq: 9 });
      return undefined;
    });
    expect(await carry(store, REQUESTS.abort)).toMatchObject({ kind: "refused", code: "replaced" });
    expect(releaseIn(store)).toMatchObject({ key: OTHER_KEY, state: "running" });
    expect(KEY).not.toBe(OTHER_KEY);
  });

  test("ends when its caller no longer waits", async () => {
    const store = storeWith();
    const ending = new AbortController();
    store.before = () => {
      wrote(store, { seq: releaseIn(store).seq + 1 });
      if (store.calls.write === 5) ending.abort();
      return undefined;
    };
    const error = await carry(store, REQUESTS.abort, { signal: ending.signal }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
  });
});

test("REL-9: the end of a release that the store refuses for its size is written without its log", async () => {
  const store = storeWith();
  store.before = (_application, _version, { release, history }) => {
    const { log } = release as { readonly log: readonly unknown[] };
    if (log.length > 0 || history !== undefined) throw new StoreError("refused", "too large");
    return undefined;
  };
  expect(await carry(store, REQUESTS.abort)).toMatchObject({ kind: "written", rollout: 0, isBare: true });
  expect(releaseIn(store)).toMatchObject({ state: "aborted", log: [], arcs: [] });
  expect(carry(storeRefusing(), REQUESTS.promote)).rejects.toThrow("too large");
});

function storeRefusing(): MemoryStore {
  const store = storeWith();
  store.before = () => {
    throw new StoreError("refused", "too large");
  };
  return store;
}

test("a store that cannot be written says so, and is not read", async () => {
  const store = storeWith();
  const readOnly = { ...carryingTo(store), store: { address: "web:", read: store.read, close: store.close } };
  expect(await carryOut(TARGET, () => REQUESTS.abort, readOnly)).toEqual({ kind: "read-only" });
});
