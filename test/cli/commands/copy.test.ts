/** `copy` and `init-store`, from file to file. */

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { run, temporaryDirectory } from "../run.ts";

function twoFiles(from: unknown, to?: unknown) {
  const directory = temporaryDirectory();
  const [source, target] = [directory.path("from.json"), directory.path("to.json")];
  writeFileSync(source, JSON.stringify(from));
  if (to !== undefined) writeFileSync(target, JSON.stringify(to));
  return {
    target,
    copy: (...argv: string[]) => run(["copy", "-store", `file:${source}`, "-to", `file:${target}`, ...argv]),
    read: () => JSON.parse(readFileSync(target, "utf8")) as unknown,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const RECORDS = {
  website: { canary: { rollout: 0.25, offset: 0.5, note: { by: "hand" } }, maintenance: 0 },
  shop: { canary: 0.1 },
};

describe("copy", () => {
  test("copies every record of every application, with all its fields", async () => {
    using files = twoFiles(RECORDS, {});
    const { status, stdout } = await files.copy();
    expect(status).toBe(0);
    expect(stdout).toStartWith("3 records of 2 applications copied");
    expect(files.read()).toEqual(RECORDS);
  });

  test("may be repeated, and then does nothing", async () => {
    using files = twoFiles(RECORDS, RECORDS);
    const { status, stdout } = await files.copy("-o", "json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ written: 0, same: 3, differing: [] });
  });

  test("leaves alone what is there and differs, says so, and has a status of its own", async () => {
    using files = twoFiles(RECORDS, { shop: { canary: { rollout: 0.9, mine: true } } });
    const { status, stdout } = await files.copy();
    expect(status).toBe(4);
    expect(stdout).toContain("left alone, because they differ there: shop/canary");
    expect(files.read()).toEqual({ ...RECORDS, shop: { canary: { rollout: 0.9, mine: true } } });
  });

  test("replaces it with -overwrite, down to the last field", async () => {
    using files = twoFiles(RECORDS, { shop: { canary: { rollout: 0.9, mine: true } } });
    expect((await files.copy("-overwrite")).status).toBe(0);
    expect(files.read()).toEqual({ ...RECORDS, shop: { canary: { rollout: 0.1 } } });
  });

  test("leaves out what is malformed, says so, and copies all else", async () => {
    using files = twoFiles({ app: { bad: "much", beyond: 17, canary: 0.2 }, shop: { canary: 0.1 } }, {});
    const { status, stdout } = await files.copy();
    expect(status).toBe(1);
    expect(stdout).toStartWith("2 records of 2 applications copied");
    expect(stdout).toContain("left out, because no daemon can use them: app/bad, app/beyond");
    expect(files.read()).toEqual({ app: { canary: 0.2 }, shop: { canary: 0.1 } });
  });

  test("takes only the applications that are named", async () => {
    using files = twoFiles(RECORDS, {});
    await files.copy("-application", "shop");
    expect(files.read()).toEqual({ shop: { canary: 0.1 } });
  });

  test("needs a target that can be written", async () => {
    using files = twoFiles(RECORDS);
    const without = await run(["copy", "-store", `file:${files.target}`]);
    expect([without.status, without.stderr.includes("name it with -to ADDRESS")]).toEqual([2, true]);
    const constant = await files.copy("-to", "constant:0.5");
    expect(constant.status).not.toBe(0);
    expect(existsSync(files.target)).toBe(false);
  });

  test("a source that cannot list its applications has them named", async () => {
    using files = twoFiles(RECORDS);
    const { status, stderr } = await run(["copy", "-store", "constant:0.5", "-to", `file:${files.target}`]);
    expect([status, stderr.includes("name them, each with -application")]).toEqual([1, true]);
  });
});

describe("init-store", () => {
  test("says where nothing is needed", async () => {
    using files = twoFiles({});
    const { status, stdout } = await run(["init-store", "-store", `file:${files.target}`]);
    expect([status, stdout]).toEqual([0, `file:${files.target}: it needs nothing\n`]);
  });
});
