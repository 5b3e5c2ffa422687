/** The freezes of a store, from the engine's history or from the record itself. */

import { expect, test } from "bun:test";
import type { PastRecord } from "../../src/stores/store.ts";
import { FREEZE, freezeFields } from "../../src/verbs/freeze.ts";
import { readFreezeHistory } from "../../src/verbs/freeze-history.ts";
import { MemoryStore } from "../support/memory-store.ts";

const signal = AbortSignal.timeout(30_000);
const AT = "2026-11-29T12:00:00.000Z";
const BY = { updatedBy: "ada@web-1", updatedAt: AT };

test("is what the record remembers, newest first, and a past that does not say which is not known", async () => {
  const store = new MemoryStore();
  expect(await readFreezeHistory(store, 9, signal)).toEqual([]);
  store.put(FREEZE.application, FREEZE.version, {
    ...freezeFields(true, "eve@web-2", new Date(Date.parse(AT) + 9_000), "Friday"),
    history: [{ ...BY, rollout: 0, frozen: false }, { ...BY, rollout: 0 }, 5],
  });
  store.put(FREEZE.application, "other", { rollout: 0, frozen: true });
  const found = await readFreezeHistory(store, 3, signal);
  const unknown = { login: undefined, why: undefined };
  expect(found).toEqual([
    { isFrozen: true, by: "eve@web-2", at: "2026-11-29T12:00:09.000Z", why: "Friday", login: undefined },
    { ...unknown, isFrozen: false, by: "ada@web-1", at: AT },
    { ...unknown, isFrozen: undefined, by: "ada@web-1", at: AT },
  ]);
});

test("is that of the engine, if it keeps one, with its time and login; a removed record is an end", async () => {
  const past: PastRecord[] = [
    { version: "freeze", value: undefined, atMs: 2_000, login: "root" },
    {
      version: "freeze",
      value: freezeFields(true, "ada@web-1", new Date(0), "Friday"),
      atMs: 1_000,
      login: "deploy",
    },
  ];
  const store = Object.assign(new MemoryStore(), { history: async () => past });
  expect(await readFreezeHistory(store, 9, signal)).toEqual([
    { isFrozen: false, by: "root", login: "root", at: "1970-01-01T00:00:02.000Z", why: undefined },
    { isFrozen: true, by: "ada@web-1", login: "deploy", at: "1970-01-01T00:00:01.000Z", why: "Friday" },
  ]);
});
