import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeAtomically } from "../../src/state/atomic-file.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atomic-"));
  path = join(directory, "file");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** The error of a write that fails. */
async function failure(to: string): Promise<string> {
  return writeAtomically(to, "text").then(
    () => "none",
    (error: Error) => error.message,
  );
}

test("is there as a whole, and alone", async () => {
  await writeAtomically(path, "one");
  await writeAtomically(path, "two");
  expect([readFileSync(path, "utf8"), readdirSync(directory)]).toEqual(["two", ["file"]]);
});

test("has the mode that is asked for, and else what the umask leaves", async () => {
  const before = process.umask(0o027);
  try {
    await writeAtomically(path, "text");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    await writeAtomically(path, "text", 0o644);
    expect(statSync(path).mode & 0o777).toBe(0o644);
  } finally {
    process.umask(before);
  }
});

test("the same trouble has the same words each time, and tells the file that was meant", async () => {
  const nowhere = join(directory, "nowhere/file");
  const first = await failure(nowhere);
  expect(first).toContain(`'${nowhere}'`);
  expect(await failure(nowhere)).toBe(first);
  const notInAFile = "/dev/full/file";
  expect(await failure(notInAFile)).toContain("ENOTDIR");
});

test("leaves nothing behind where it cannot take the file's place", async () => {
  mkdirSync(path);
  expect(await failure(path)).toContain(path);
  expect(readdirSync(directory)).toEqual(["file"]);
});
