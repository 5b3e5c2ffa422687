/**
 * A custom store: `-store ./my-store.ts`. The module's default export is a function. It takes a
 * `StoreContext`, with the module's own path as `location`, and returns a `Store` or a promise of one.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Store, type StoreContext, StoreError, type StoreKind } from "./store.ts";

export const moduleStore: StoreKind = {
  name: "module",
  usage: "./MODULE",
  summary: "a custom store: a module whose default export makes it",

  check(location) {
    return existsSync(resolve(location)) ? undefined : `no such file: ${resolve(location)}`;
  },

  async open(context: StoreContext): Promise<Store> {
    const path = resolve(context.location);
    const loaded = await load(path);
    if (typeof loaded.default !== "function") {
      throw new StoreError(
        "malformed",
        `${path} has no default export that makes a store; see docs/stores/module.md`,
      );
    }
    const store: unknown = await make(path, loaded.default as (context: StoreContext) => unknown, context);
    if (!isStore(store)) {
      throw new StoreError(
        "malformed",
        `the store that ${path} makes needs an address, read and close; see docs/stores/module.md`,
      );
    }
    return store;
  },
};

async function load(path: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(path)) as { readonly default?: unknown };
  } catch (error) {
    throw new StoreError("malformed", `${path} cannot be loaded: ${String(error)}`, { cause: error });
  }
}

async function make(
  path: string,
  factory: (context: StoreContext) => unknown,
  context: StoreContext,
): Promise<unknown> {
  try {
    return await factory(context);
  } catch (error) {
    throw new StoreError("unavailable", `${path} made no store: ${String(error)}`, { cause: error });
  }
}

function isStore(value: unknown): value is Store {
  const store = value as Partial<Store> | null | undefined;
  return (
    typeof store?.address === "string" &&
    typeof store.read === "function" &&
    typeof store.close === "function"
  );
}
