import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTrustedFile } from "../../src/config/trusted-file.ts";
import { run } from "../cli/run.ts";

const directory = mkdtempSync(join(tmpdir(), "trusted-file-"));
const path = join(directory, "settings.toml");
const own = process.getuid?.() ?? 0;
const STRANGER = 54_321;

beforeAll(() => writeFileSync(path, 'region = "eu-west-1"\n', { mode: 0o644 }));
afterAll(() => rmSync(directory, { recursive: true }));

test("a file of the same user or of root is read", () => {
  expect(readTrustedFile(path, own)).toContain("eu-west-1");
  expect(readTrustedFile("/etc/passwd", STRANGER)).toContain("root");
});

test("a file of another user is refused with the remedy, and the command fails", async () => {
  if (own !== 0) return expect(() => readTrustedFile(path, STRANGER)).toThrow(`chown root ${path}`);
  chownSync(path, STRANGER, STRANGER);
  const { status, stderr } = await run(["get"], {}, undefined, { defaultConfigFile: path });
  expect([status, stderr]).toEqual([2, expect.stringContaining(`it belongs to user ${STRANGER}, who could`)]);
  expect((await run(["check", "-config", path])).status).toBe(0);
  chownSync(path, own, own);
});

test("a file that every user may write to is refused", () => {
  chmodSync(path, 0o646);
  expect(() => readTrustedFile(path, own)).toThrow(`chmod o-w ${path}`);
  chmodSync(path, 0o664);
  expect(readTrustedFile(path, own)).toContain("eu-west-1");
});

test("if the file does not exist, the error is the system's", () => {
  expect(() => readTrustedFile(join(directory, "none"))).toThrow("ENOENT");
});
