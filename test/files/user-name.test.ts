import { expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dir, "../../src/files/user-name.ts");

function nameWith(env: Readonly<Record<string, string>>): string {
  const script = `console.log((await import(${JSON.stringify(MODULE)})).ownUserName())`;
  return String(Bun.spawnSync([process.execPath, "-e", script], { env }).stdout).trim();
}

test("a process without USER, as in a container, has its name from the user database", () => {
  const name = String(Bun.spawnSync(["id", "-un"]).stdout).trim();
  expect(name).not.toBe("");
  expect(nameWith({})).toBe(name);
  expect(nameWith({ USER: "ada" })).toBe("ada");
});
