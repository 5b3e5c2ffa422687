/**
 * The list of kinds says the truth about the stores that they open. Nothing is asked, so no engine has to
 * run.
 */

import { expect, test } from "bun:test";
import { STORES } from "../../src/stores/list.ts";

const LOCATIONS: Readonly<Record<string, string>> = {
  dynamodb: "",
  file: "/nowhere/rollouts.json",
  constant: "0.5",
  postgres: "//localhost/rollouts",
};

test.each(STORES.map((kind) => [kind.name, kind] as const))(
  "%s says whether its stores have a history",
  async (name, kind) => {
    const store = await kind.open({
      location: LOCATIONS[name] ?? "//localhost/",
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
