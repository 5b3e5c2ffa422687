/** `get` beside a release: a word about it, and nothing that could be written back. */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { releaseField } from "../../../src/releases/release-field.ts";
import { releaseOf } from "../../releases/world.ts";
import { run, temporaryDirectory } from "../run.ts";

test("the release of a version is told in a word, for people and for programs", async () => {
  using directory = temporaryDirectory();
  const path = directory.path("rollouts.json");
  const release = releaseField(releaseOf());
  const records = {
    canary: { rollout: 0.05, offset: 0.25, release },
    blue: { rollout: 0, release: { ...release, step: -1 } },
    green: 0,
  };
  writeFileSync(path, JSON.stringify({ app: records }));
  const store = ["-store", `file:${path}`];
  const { stdout } = await run(["get", ...store]);
  expect(stdout).toMatch(/^app +canary .* release 7 \(v42\) running, step 2\/4$/m);
  expect(stdout).toMatch(/^app +blue .* cannot be read: its field step is malformed$/m);
  const rows = JSON.parse((await run(["get", ...store, "-o", "json"])).stdout) as Record<string, unknown>[];
  expect(rows.map(({ version, releaseState }) => [version, releaseState])).toEqual([
    ["canary", { id: 7, of: "v42", state: "running", step: 2, steps: 4 }],
    ["blue", { problem: "its field step is malformed" }],
    ["green", undefined],
  ]);
  for (const row of rows) expect(row).not.toHaveProperty("release");
});
