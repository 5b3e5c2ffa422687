/** The flags that lead a pasted command to the same store, and never to another one. */

import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { STORE_OPTIONS } from "../../src/cli/with-store.ts";
import { loadSettings, Problems } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/option.ts";
import { daemonStoreFlags, storeFlagsOf } from "../../src/settings/store-flags.ts";

function settingsOf(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  defaults: Readonly<Record<string, string>> = {},
): Settings {
  const readFile = () => 'store = "redis://of-the-file"\n';
  const loaded = loadSettings(
    { argv, environment, readFile, defaultFile: "/etc/daemon.toml" },
    { options: STORE_OPTIONS, defaults },
  );
  if (loaded instanceof Problems) throw new Error(loaded.messages.join("\n"));
  return loaded.settings;
}

test.each<[string, readonly string[], readonly string[]]>([
  ["none, because the configuration file has the store", [], []],
  ["the store", ["-store", "redis://r:6379/2"], ["-store", "redis://r:6379/2"]],
  [
    "the table and the region",
    ["-table", "Other", "-region", "eu-west-1"],
    ["-table", "Other", "-region", "eu-west-1"],
  ],
  ["no configuration file", ["-config", "none"], ["-config", "none"]],
  ["a path that is good in any directory", ["-config", "site.toml"], ["-config", resolve("site.toml")]],
  ["the same for a file store", ["-store", "file:a b.json"], ["-store", `file:${resolve("a b.json")}`]],
  ["no password", ["-store", "redis://ada:secret@r"], ["-store", "redis://***@r"]],
  ["no secret of a query", ["-store", "https://r/x?key=secret"], ["-store", "https://r/x?key=***"]],
])("a command prints %s", (_, argv, flags) => {
  expect(storeFlagsOf(settingsOf(argv))).toEqual(flags);
});

test("a daemon has its environment alone, and the quickstart its own default", () => {
  const environment = { MAXWELLS_DAEMON_STORE: "redis://r" };
  expect(storeFlagsOf(settingsOf([], environment))).toEqual([]);
  expect(daemonStoreFlags(settingsOf([], environment))).toEqual(["-store", "redis://r"]);
  const quick = settingsOf(["-config", "none"], {}, { store: "file:rollouts.json" });
  expect(daemonStoreFlags(quick)).toEqual(["-config", "none", "-store", `file:${resolve("rollouts.json")}`]);
});

test.each(["redis://***@r", "https://r/x?key=***", "https://r/x?***&a=b"])(
  "%s stands for a secret, so no command takes it for an address",
  (address) => {
    expect(() => settingsOf(["-store", address])).toThrow("*** stands for a secret");
  },
);
