import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectoryFiles } from "../../src/files/small-files.ts";
import { messageOf } from "../support/reason-of.ts";

const directories: string[] = [];

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-"));
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

test("files are written whole, read, listed and removed, and the directory is made with the first one", async () => {
  const files = new DirectoryFiles(join(makeDirectory(), "state/overrides"));
  expect([await files.list(), await files.read("a.json")]).toEqual([[], undefined]);
  await files.remove("a.json");
  await files.write("a.json", "1");
  await files.write("a.json", "2");
  await files.write("b c.json", "3");
  expect((await files.list()).toSorted()).toEqual(["a.json", "b c.json"]);
  expect(await files.read("a.json")).toBe("2");
  await files.remove("a.json");
  expect(await files.list()).toEqual(["b c.json"]);
});

test("a file that is too long counts as missing, and other files are not listed", async () => {
  const directory = makeDirectory();
  writeFileSync(join(directory, "a.json"), "x".repeat(70_000));
  writeFileSync(join(directory, "a.json.123.new"), "");
  const files = new DirectoryFiles(directory);
  expect([await files.list(), await files.read("a.json")]).toEqual([["a.json"], undefined]);
});

test("a directory that cannot be used is an error", async () => {
  const path = join(makeDirectory(), "file");
  writeFileSync(path, "");
  const files = new DirectoryFiles(path);
  expect(await messageOf(files.list())).toContain("ENOTDIR");
  expect(await messageOf(files.write("a.json", "1"))).toContain("EEXIST");
});
