import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeAtomically } from "../../src/files/atomic-file.ts";
import { reasonOf } from "../support/reason-of.ts";

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

test("a file is written as a whole, and no other file is left beside it", async () => {
  await writeAtomically(path, "one");
  await writeAtomically(path, "two");
  expect([readFileSync(path, "utf8"), readdirSync(directory)]).toEqual(["two", ["file"]]);
});

test("a file has the mode that the caller names, or else the default less the umask", async () => {
  const before = process.umask(0o027);
  try {
    await writeAtomically(path, "text");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    await writeAtomically(path, "text", { mode: 0o644 });
    expect(statSync(path).mode & 0o777).toBe(0o644);
  } finally {
    process.umask(before);
  }
});

test("the same failure has the same message each time, with the path of the file itself", async () => {
  const nowhere = join(directory, "nowhere/file");
  const first = await failure(nowhere);
  expect(first).toContain(`'${nowhere}'`);
  expect(await failure(nowhere)).toBe(first);
  const notInAFile = "/dev/full/file";
  expect(await failure(notInAFile)).toContain("ENOTDIR");
});

test("no temporary file is left if the new file cannot replace the old one", async () => {
  mkdirSync(path);
  expect(await failure(path)).toContain(path);
  expect(readdirSync(directory)).toEqual(["file"]);
});

test("the old file stays if `confirm` rejects before the rename", async () => {
  await writeAtomically(path, "one");
  const refusal = new Error("the lock is lost");
  const confirm = () => Promise.reject(refusal);
  expect(await reasonOf(writeAtomically(path, "two", { confirm }))).toBe(refusal);
  expect([readFileSync(path, "utf8"), readdirSync(directory)]).toEqual(["one", ["file"]]);
});

test("`prepare` is called after the text is written and before the rename", async () => {
  const seen: unknown[] = [];
  await writeAtomically(path, "text", {
    isSynced: true,
    prepare: async (file) => {
      seen.push((await file.stat()).size, existsSync(path));
    },
  });
  expect(seen).toEqual([4, false]);
  expect(readFileSync(path, "utf8")).toBe("text");
});
