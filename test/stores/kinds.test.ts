/**
 * The list of kinds says the truth about the stores that they open. Nothing is asked, so no engine has to
 * run.
 */

import { expect, test } from "bun:test";
import { STORES } from "../../src/stores/list.ts";

/** A location that the kind accepts, if it does not accept `//localhost/`. */
const LOCATIONS: Readonly<Record<string, string>> = {
  dynamodb: "",
  file: "/nowhere/rollouts.json",
  constant: "0.5",
  postgres: "//localhost/rollouts",
};

test.each(STORES.map((kind) => [kind.name, kind] as const))(
  "%s says whether its stores have a history",
  async (name, kind) => {
    const location = LOCATIONS[name] ?? "//localhost/";
    expect(kind.check(location), `give LOCATIONS of this file a row "${name}"`).toBeUndefined();
    const store = await kind.open({
      location,
      table: "MaxwellsDaemon",
      region: "us-east-1",
      environment: {},
      warn() {},
    });
    try {
      expect(store.history !== undefined).toBe(kind.keepsHistory ?? false);
    } finally {
      await store.close();
    }
  },
);
