import { expect, test } from "bun:test";
import { configurationPage } from "../../scripts/configuration-page.ts";
import { CHECK_KINDS } from "../../src/checks/list.ts";
import { checks } from "../../src/checks/named-checks.ts";
import { configFile } from "../../src/config/config-file.ts";
import { environmentName } from "../../src/config/environment.ts";
import { loadSettings, Problems } from "../../src/config/load.ts";
import { ALL_TABLES, allOptions } from "../../src/daemon/all-options.ts";
import { plans } from "../../src/releases/named-plans.ts";

test("the page names every setting, its variable and its default", () => {
  const page = configurationPage();
  for (const option of allOptions()) {
    expect(page).toContain(`\n### ${option.name}\n`);
    expect(page).toContain(`\`${environmentName(option)}\``);
    if (option.defaultText !== undefined) expect(page).toContain(`\`${option.defaultText}\``);
  }
});

test("the file on the page is valid, and has the values of the defaults", () => {
  const [, file = ""] = /```toml\n([^`]*)```/.exec(configurationPage()) ?? [];
  const rules = { options: allOptions() };
  const sources = { environment: {}, readFile: () => file };
  const read = loadSettings({ ...sources, argv: ["-config", "x"] }, rules);
  const defaults = loadSettings({ ...sources, argv: [] }, rules);
  if (read instanceof Problems || defaults instanceof Problems)
    throw new Error(JSON.stringify([read, defaults]));
  for (const option of allOptions()) {
    if (option === configFile) continue;
    expect(read.settings.get(option)).toEqual(defaults.settings.get(option));
    if (option.defaultText !== undefined) expect(read.settings.origin(option).source).toBe("file");
  }
});

test("the check on the page is valid", () => {
  const [, file = ""] = /## Checks[\s\S]*?```toml\n([^`]*)```/.exec(configurationPage()) ?? [];
  const rules = { options: allOptions(), tables: ALL_TABLES };
  const read = loadSettings({ environment: {}, readFile: () => file, argv: ["-config", "x"] }, rules);
  if (read instanceof Problems) throw new Error(JSON.stringify(read));
  expect(read.settings.get(checks)).toMatchObject([{ name: "load", kind: "webhook", everyMs: 10_000 }]);
});

test("the page has every key of every kind of check", () => {
  const [, section = ""] = configurationPage().split("\n## Checks\n");
  for (const { name, keys } of CHECK_KINDS) {
    const [, own = ""] = section.split(`With \`kind = "${name}"\`:`);
    for (const key of keys) expect(own).toContain(`\n| \`${key.name}\` | `);
  }
});

test("the plan on the page is valid", () => {
  const [, file = ""] = /## Plans[\s\S]*?```toml\n([^`]*)```/.exec(configurationPage()) ?? [];
  const rules = { options: allOptions(), tables: ALL_TABLES };
  const read = loadSettings({ environment: {}, readFile: () => file, argv: ["-config", "x"] }, rules);
  if (read instanceof Problems) throw new Error(JSON.stringify(read));
  expect(read.settings.get(plans).map(({ name }) => name)).toEqual(["default", "checkout"]);
});
