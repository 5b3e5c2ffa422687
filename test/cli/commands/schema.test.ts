/**
 * The schemas allow all that the program reads, and find what a schema can find. The tests of settings,
 * plans, checks and releases also hold their own values to the schemas.
 */

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NEEDED } from "../../../src/releases/read-release.ts";
import { releaseField } from "../../../src/releases/release-field.ts";
import { releaseOf } from "../../releases/world.ts";
import { faultsInConfig, faultsInRollouts } from "../../support/schema.ts";
import { releaseFile } from "../release-file.ts";
import { run, temporaryDirectory } from "../run.ts";

const ROOT = join(import.meta.dir, "../../..");

/** The blocks of code in the pages, by the language. */
function blocksOf(language: string): { page: string; text: string }[] {
  const pages = [...new Bun.Glob("{docs,integrations}/**/*.md").scanSync(ROOT), "README.md"];
  return pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"));
    return Array.from(blocks, ([, block = ""]) => ({ page, text: block }));
  });
}

test("the command prints both", async () => {
  for (const [file, title] of [
    ["config", "The configuration file of maxwells-daemon"],
    ["rollouts", "Rollouts of maxwells-daemon"],
  ] as const) {
    const { stdout, status } = await run(["schema", file]);
    expect([JSON.parse(stdout).title, status]).toEqual([title, 0]);
  }
  expect((await run(["schema", "plans"])).status).toBe(2);
});

describe("the schema of the configuration file", () => {
  test("allows the file of systemd, and each example of the pages", () => {
    const shipped = readFileSync(join(ROOT, "integrations/systemd/maxwells-daemon.toml"), "utf8");
    expect(faultsInConfig(shipped)).toBe("");
    // The settings that are commented out.
    expect(
      faultsInConfig(shipped.replaceAll(/^(store|statsd) .*\n/gm, "").replaceAll(/^#(?=\w)/gm, "")),
    ).toBe("");
    const blocks = blocksOf("toml");
    expect(blocks.length).toBeGreaterThan(6);
    expect(blocks.map(({ page, text }) => [page, faultsInConfig(text)])).toEqual(
      blocks.map(({ page }) => [page, ""]),
    );
  });

  test("allows each other sample of the repository", () => {
    const samples = [...new Bun.Glob("{integrations,packaging}/**/maxwells-daemon.toml").scanSync(ROOT)];
    expect(samples.length).toBeGreaterThan(3);
    const faults = samples.map((path) => [path, faultsInConfig(readFileSync(join(ROOT, path), "utf8"))]);
    expect(faults).toEqual(samples.map((path) => [path, ""]));
  });

  test.each([
    ["a setting that does not exist", 'applications = ["website"]'],
    ["another file", 'config = "/etc/other.toml"'],
    ["a setting that belongs to one run of a command", 'output = "json"'],
    ["a number without its unit", "delay = 5"],
    ["a text without its unit", 'delay = "5"'],
    ["a duration of days", 'unhealthy = "1d"'],
    ["an unknown word", 'log-format = "xml"'],
    ["a switch in quotes", 'allow-force = "true"'],
    ["a word that does not belong to a switch", 'releases = "auto"'],
    ["an address without a port", 'admin = "localhost"'],
    ["a mode that is not octal", 'socket-mode = "888"'],
    ["an empty text", 'store = ""'],
    ["a number in a list", 'application = ["a", 5]'],
    ["a plan without steps", "[plans.a]\nfailsafe = 'hold'"],
    ["a plan without steps in the list", "[plans.a]\nsteps = []"],
    ["an unknown key of a plan", "[plans.a]\nsteps = '100%'\nwindow = 'x'"],
    ["a plan whose name begins with a digit", "[plans.9a]\nsteps = '100%'"],
    ["four bounds of slowness", "[plans.a]\nsteps = '100%'\nslow = ['1s', '2s', '3s', '4s']"],
    ["a window without a zone", "[plans.a]\nsteps = '100%'\nwindows = 'mon 09:00-16:00'"],
    ["an offset of 1", "[plans.a]\nsteps = '100%'\noffset = 1"],
    ["a check without an address", "[checks.a]\nkind = 'webhook'"],
    ["an unknown kind of check", "[checks.a]\nkind = 'webhok'\nurl = 'http://a'"],
    ["a key of another kind", "[checks.a]\nkind = 'webhook'\nurl = 'http://a'\ngo = '< 1'"],
    ["a secret in the file", "[checks.a]\nkind = 'webhook'\nurl = 'http://a'\ntoken = 'hush'"],
    [
      "a condition without a sign",
      "[checks.a]\nkind = 'prometheus'\nurl = 'http://a'\nquery = 'up'\ngo = '1'",
    ],
  ])("refuses %s", (_, toml) => {
    expect(faultsInConfig(toml)).not.toBe("");
  });
});

describe("the schema of rollouts", () => {
  test("allows each example of the pages that is a file of rollouts or a record", () => {
    const texts = blocksOf("json").map(({ text }) => text);
    const files = texts.filter((text) => text.includes('"website": {'));
    const records = texts.filter((text) => /^\{\s+"rollout"/.test(text));
    expect([files.length, records.length].map((count) => count > 0)).toEqual([true, true]);
    for (const text of files) expect(faultsInRollouts(text)).toBe("");
    for (const text of records) expect(faultsInRollouts(`{ "website": { "canary": ${text} } }`)).toBe("");
  });

  test("allows the text by which an editor finds it; commands keep that text", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("rollouts.json");
    const place = "/usr/share/maxwells-daemon/rollouts.schema.json";
    writeFileSync(path, JSON.stringify({ $schema: place, website: { canary: 0.1 } }));
    const store = ["-store", `file:${path}`, "-application", "website"];
    expect((await run(["set", "canary", "20%", ...store])).status).toBe(0);
    const after = readFileSync(path, "utf8");
    expect(JSON.parse(after)).toMatchObject({ $schema: place, website: { canary: { rollout: 0.2 } } });
    expect(faultsInRollouts(after)).toBe("");
    expect(faultsInRollouts('{ "$schema": 5 }')).not.toBe("");
  });

  test("allows what the commands write: a rollout with its history, a release, its end, and the next one", async () => {
    using file = releaseFile({ canary: 0.1 });
    const commands = [
      ["set", "canary", "20%", "-failsafe", "hold", "-m", "why"],
      ["set", "canary", "0%"],
      ["release", "canary", "1%:10m,100%:1d", "-of", "v42", "-unattended", "-m", "new"],
      ["pause", "-m", "lunch"],
      ["resume"],
      ["promote", "-to", "100%"],
      ["finish", "-deployed", "v42"],
      ["release", "canary", "5%,100%:1h", "-of", "v43", "-unattended"],
      ["abort", "-m", "INC-42"],
    ];
    for (const command of commands) {
      const { status, stderr } = await file.run(...command);
      expect([command[0], status === 0 || status === 8, stderr.includes("nothing was")]).toEqual([
        command[0],
        true,
        false,
      ]);
      expect(faultsInRollouts(file.text())).toBe("");
    }
    expect(file.release().state).toBe("aborted");
  });

  const record = (fields: object) => JSON.stringify({ website: { canary: fields } });
  const good = releaseField(releaseOf());

  test.each([
    ["a rollout in percent", '{ "website": { "canary": 25 } }'],
    ["a rollout as a text", '{ "website": { "canary": "25%" } }'],
    ["an object without a rollout", record({ offset: 0.5 })],
    ["an offset of 1", record({ rollout: 0.5, offset: 1 })],
    ["an unknown failsafe", record({ rollout: 0.5, failsafe: "canary" })],
    ["a version named master", '{ "website": { "master": 0.5 } }'],
    ["a version whose name has a space", '{ "website": { "a b": 0.5 } }'],
    ["an application without versions", '{ "website": 0.5 }'],
    ["a list", "[]"],
    ["a release of a newer format", record({ rollout: 0, release: { ...good, format: 2 } })],
    ["a release in an unknown state", record({ rollout: 0, release: { ...good, state: "resting" } })],
    ["an arc of two numbers", record({ rollout: 0, release: { ...good, arcs: [[1, 0.5]] } })],
  ])("refuses %s", (_, json) => {
    expect(faultsInRollouts(json)).not.toBe("");
  });

  test.each(Object.keys(NEEDED))("refuses a release without its %s", (field) => {
    expect(faultsInRollouts(record({ rollout: 0, release: good }))).toBe("");
    expect(faultsInRollouts(record({ rollout: 0, release: { ...good, [field]: undefined } }))).not.toBe("");
  });
});
