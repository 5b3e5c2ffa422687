/** The user data for new machines: cloud-init itself reads them. The program reads the settings in them. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { YAML } from "bun";
import { fileOf, INTEGRATIONS, World } from "./world.ts";

const FILE = "cloud-init/maxwells-daemon.yaml";

interface UserData {
  readonly write_files: readonly { readonly path: string; readonly content: string }[];
  readonly runcmd: readonly string[];
}

const hasCloudInit = Bun.which("cloud-init") !== null;
if (!hasCloudInit && process.env["CI"]) throw new Error("cloud-init is not installed");

let world: World;
beforeAll(() => {
  world = new World();
});
afterAll(() => world.remove());

test.skipIf(!hasCloudInit)(
  "cloud-init finds no fault in the file, and would find one",
  async () => {
    const check = (path: string) => world.run(["cloud-init", "schema", "--config-file", path]);
    const ran = await check(join(INTEGRATIONS, FILE));
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    const wrong = join(world.directory, "wrong.yaml");
    writeFileSync(wrong, fileOf(FILE).replace("content: |", "contents: |"));
    expect((await check(wrong)).status).not.toBe(0);
  },
  60_000,
);

test("the settings in the file are without a mistake, and each command is one of a shell", async () => {
  const { write_files: files, runcmd } = YAML.parse(fileOf(FILE)) as UserData;
  const [{ path, content } = { path: "", content: "" }] = files;
  expect(path).toBe("/etc/maxwells-daemon/maxwells-daemon.toml");
  const settings = join(world.directory, "settings.toml");
  writeFileSync(settings, content);
  const checked = await world.run(["maxwells-daemon", "check", "-config", settings]);
  expect([checked.status, checked.stderr]).toEqual([0, ""]);
  for (const command of runcmd) {
    expect([command, (await world.run(["sh", "-n", "-c", command])).status]).toEqual([command, 0]);
  }
}, 60_000);
