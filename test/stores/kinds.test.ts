/**
 * The list of kinds says the truth about the stores that they open. Nothing is asked, so no engine has to
 * run.
 */

import { expect, test } from "bun:test";
import { STORES } from "../../src/stores/list.ts";
import type { Store, StoreKind } from "../../src/stores/store.ts";

/** A location that the kind accepts, if it does not accept `//localhost/`. */
const LOCATIONS: Readonly<Record<string, string>> = {
  dynamodb: "",
  file: "/nowhere/rollouts.json",
  constant: "0.5",
  postgres: "//localhost/rollouts",
  mariadb: "//localhost/rollouts",
  mysql: "//localhost/rollouts",
};

/** Engines without a time that a client can read, or whose time is of no use because nothing is written. */
const TIMELESS: readonly string[] = ["constant", "etcd", "etcds", "file", "http", "https"];

/** Stores that cannot be written need no evidence. */
const READ_ONLY: readonly string[] = ["constant", "http", "https"];

const KINDS = STORES.map((kind) => [kind.name, kind] as const);

async function opened<T>(kind: StoreKind, look: (store: Store) => T): Promise<T> {
  const location = LOCATIONS[kind.name] ?? "//localhost/";
  expect(kind.check(location), `give LOCATIONS of this file a row "${kind.name}"`).toBeUndefined();
  const context = { table: "MaxwellsDaemon", region: "us-east-1", environment: {}, warn() {} };
  const store = await kind.open({ ...context, location });
  try {
    return look(store);
  } finally {
    await store.close();
  }
}

test.each(KINDS)("%s says whether its stores have a history", async (_, kind) => {
  expect(await opened(kind, ({ history }) => history !== undefined)).toBe(kind.keepsHistory ?? false);
});

test.each(KINDS.filter(([name]) => TIMELESS.includes(name)))("%s tells no time", async (_, kind) => {
  expect(await opened(kind, ({ clock }) => clock)).toBeUndefined();
});

test.each(KINDS.filter(([name]) => READ_ONLY.includes(name)))("%s keeps no evidence", async (_, kind) => {
  expect(await opened(kind, ({ evidence }) => evidence)).toBeUndefined();
});
