/** Warnings of `check` and of the daemon about settings of releases. Nothing is refused for them. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createDaemon } from "../../src/daemon/daemon.ts";
import { run, temporaryDirectory } from "../cli/run.ts";
import { KeptLog } from "../support/logged.ts";
import { settingsOf } from "../support/settings.ts";

const SLACK = "https://hooks.slack.com/services/T/B/X";
const SLICES = ["-traefik", "127.0.0.1:6296", "-traefik-version", "app/canary=http://127.0.0.1:6297"];

interface Warning {
  readonly setting: string;
  readonly text: string;
}

async function checked(flags: readonly string[], toml = ""): Promise<readonly Warning[]> {
  using directory = temporaryDirectory();
  const path = directory.path("config.toml");
  writeFileSync(path, toml);
  const argv = ["check", "-o", "json", "-application", "app", "-config", path, ...flags];
  const { stdout, stderr, status } = await run(argv);
  const { warnings } = JSON.parse(stdout) as { warnings: readonly Warning[] };
  expect(status).toBe(0);
  for (const { text } of warnings) expect(stderr).toContain(text);
  return warnings;
}

const STORE = ["-store", "file:/nowhere/rollouts.json"];

describe("check warns of", () => {
  test("nothing if the settings fit", async () => {
    expect(await checked([...STORE, "-releases", "on", "-notify", SLACK])).toEqual([]);
    expect(await checked([...STORE, ...SLICES])).toEqual([]);
  });

  test("notices of a daemon that leads no release", async () => {
    const [warning] = await checked([...STORE, "-notify", SLACK]);
    expect(warning).toEqual({ setting: "-notify", text: expect.stringContaining("-releases on") });
  });

  test("a controller on a store that cannot be written", async () => {
    const [warning] = await checked(["-store", "constant:0.25", "-releases", "on"]);
    expect(warning).toEqual({
      setting: "-releases",
      text: expect.stringContaining("constant are read-only"),
    });
  });

  test("plans that Traefik's slices cannot follow", async () => {
    const plans =
      '[plans.fine]\nsteps = ["0.01%:1h", "100%:1h"]\n[plans.judged]\nsteps = ["5%:1h+ok", "100%:1h"]\n';
    const warnings = await checked([...STORE, ...SLICES], plans);
    expect(warnings.map(({ setting, text }) => [setting, text.includes("ok")])).toEqual([
      ["plans.fine", false],
      ["plans.judged", true],
    ]);
    const leading = await checked([...STORE, ...SLICES, "-releases", "on"]);
    expect(leading.map(({ setting }) => setting)).toEqual(["plans.default"]);
    expect(await checked(STORE, plans)).toEqual([]);
  });
});

test("the daemon warns of notices that it will not send, and starts", async () => {
  using directory = temporaryDirectory();
  const log = new KeptLog();
  const flags = ["-store", "constant:0.25", "-socket", directory.path("d.sock"), "-state-dir", "none"];
  const daemon = await createDaemon(settingsOf(...flags, "-admin", "none", "-notify", SLACK), log);
  await daemon.close();
  const warnings = log.at("warn").filter(({ fields }) => fields["setting"] === "-notify");
  expect(warnings).toHaveLength(1);
});
