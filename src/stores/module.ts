/**
 * A store from outside this program: `-store ./my-store.ts`. The module's default export is a function that takes a
 * `StoreContext`, whose `location` is the module's own path, and returns a `Store` or a promise of one.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Store, type StoreContext, StoreError, type StoreKind } from "./store.ts";

export const moduleStore: StoreKind = {
  name: "module",
  usage: "./MODULE",
  summary: "a store of your own: a module whose default export makes one",

  check(location) {
    return existsSync(resolve(location)) ? undefined : `no such file: ${resolve(location)}`;
  },

  async open(context: StoreContext): Promise<Store> {
    const path = resolve(context.location);
    const loaded: { default?: unknown } = await import(path);
    if (typeof loaded.default !== "function") {
      throw new StoreError(
        "malformed",
        `${path} has no default export that makes a store; see docs/stores/module.md`,
      );
    }
    const store: unknown = await loaded.default(context);
    if (!isStore(store)) {
      throw new StoreError(
        "malformed",
        `what ${path} makes has no address, read and close; see docs/stores/module.md`,
      );
    }
    return store;
  },
};

function isStore(value: unknown): value is Store {
  const store = value as Partial<Store> | null | undefined;
  return (
    typeof store?.address === "string" &&
    typeof store.read === "function" &&
    typeof store.close === "function"
  );
}
