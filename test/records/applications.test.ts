import { expect, test } from "bun:test";
import { ABOUT_ALL, listApplications } from "../../src/records/applications.ts";
import type { Store } from "../../src/stores/store.ts";

const storeOf = (changes: Partial<Store>): Store => ({
  ...{ address: "memory:", read: async () => new Map(), close: async () => {} },
  ...changes,
});
const signal = AbortSignal.timeout(1_000);

test("the applications of a store are listed without the record of a freeze", async () => {
  const store = storeOf({ applications: async () => ["website", ABOUT_ALL, "shop"] });
  expect(await listApplications(store, signal)).toEqual(["website", "shop"]);
});

test("a store that cannot list says so, and one that fails rejects", async () => {
  expect(await listApplications(storeOf({}), signal)).toBeUndefined();
  const failing = storeOf({ applications: () => Promise.reject(new Error("away")) });
  expect(listApplications(failing, signal)).rejects.toThrow("away");
});
