/** `npm run package` on a machine without the programs that it needs. */

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const SCRIPT = join(ROOT, "scripts/package.ts");
const PACKAGES = join(ROOT, "dist/packages");

test("a program that is missing is told before the build, in one line with the remedy", () => {
  const before = existsSync(PACKAGES);
  const env = { HOME: process.env["HOME"], PATH: "/nowhere" };
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, SCRIPT, "oci"], { env, stdin: "ignore" });
  const lines = String(stderr).trim().split("\n");
  expect([exitCode, lines.at(-1)]).toEqual([
    1,
    expect.stringMatching(/^buildah is missing; get it by: .*buildah/),
  ]);
  // The packages of the last run are still there.
  expect(existsSync(PACKAGES)).toBe(before);
});
