/** `history`, and what `set` leaves for it, on real files. */

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import type { ShownChange } from "../../../src/records/history.ts";
import { run, temporaryDirectory } from "../run.ts";

function fileStore(records: unknown) {
  const directory = temporaryDirectory();
  const path = directory.path("rollouts.json");
  writeFileSync(path, JSON.stringify(records));
  return {
    run: (...argv: string[]) => run([...argv, "-store", `file:${path}`]),
    record: () =>
      (JSON.parse(readFileSync(path, "utf8")) as Record<string, Record<string, Record<string, unknown>>>)[
        "app"
      ]?.["canary"] ?? {},
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

describe("history", () => {
  test("tells who changed what, when and why, newest first", async () => {
    using store = fileStore({ app: { canary: 0.1 } });
    await store.run("set", "canary", "20%", "-m", "looks good");
    await store.run("set", "canary", "0%", "-m", "checkout is slow");
    const { stdout } = await store.run("history", "-o", "json");
    const changes = JSON.parse(stdout) as Record<string, unknown>[];
    expect(changes.map(({ rollout, why }) => [rollout, why])).toEqual([
      [0, "checkout is slow"],
      [0.2, "looks good"],
      [0.1, undefined],
    ]);
    expect(changes[0]).toMatchObject({
      application: "app",
      version: "canary",
      updatedBy: `ada@${hostname()}`,
    });
    const text = (await store.run("history", "canary", "-limit", "1")).stdout;
    expect(text.trimEnd().split("\n")).toHaveLength(2);
    expect(text).toContain("checkout is slow");
  });

  test("has each transition of a release once, also one by set", async () => {
    using store = fileStore({ app: { canary: 0 } });
    const plan = ["canary", "1%:1h,5%:1h,100%:1h", "-of", "v42", "-unattended"];
    await store.run("release", ...plan, "-m", "new checkout");
    await store.run("promote", "-expect-step", "1");
    await store.run("set", "canary", "0%", "-m", "checkout is slow");
    const changes = JSON.parse((await store.run("history", "-o", "json")).stdout) as ShownChange[];
    expect(changes.map(({ rollout, why, release }) => [rollout, why, release?.sentence])).toEqual([
      [0, "checkout is slow", "release 1 of app aborted at step 2/3: canary 5% → 0%"],
      [0.05, undefined, "release 1 of app: step 2/3, canary 1% → 5% for 1h"],
      [0.01, "new checkout", "release 1 of app (v42) started: step 1/3, canary 0% → 1% for 1h"],
      [0, undefined, undefined],
    ]);
    expect(changes[0]?.updatedBy).toBe(`ada@${hostname()}`);
    expect((await store.run("history", "-limit", "1")).stdout).toContain(
      "aborted at step 2/3: canary 5% → 0%",
    );
  });

  test("a reason is of its own change only", async () => {
    using store = fileStore({ app: { canary: 0.1 } });
    await store.run("set", "canary", "20%", "-m", "a reason");
    await store.run("set", "canary", "30%");
    expect(store.record()["why"]).toBeUndefined();
  });

  test("a record remembers twenty states, and no more than matters of each", async () => {
    using store = fileStore({ app: { canary: { rollout: 0.5, notes: "x".repeat(1_000) } } });
    for (let change = 1; change <= 25; change++) await store.run("set", "canary", `${change}%`);
    const past = store.record()["history"] as Record<string, unknown>[];
    expect(past).toHaveLength(20);
    expect(past[0]).toMatchObject({ rollout: 0.24 });
    expect(past[0]?.["history"]).toBeUndefined();
    expect(JSON.stringify(past)).not.toContain("xxxx");
    expect(store.record()["notes"]).toBe("x".repeat(1_000));
  });

  test("a list that another writer spoiled does not make it fail", async () => {
    using store = fileStore({ app: { canary: { rollout: 0.5, history: "soon" }, blue: "much" } });
    const { status, stdout } = await store.run("history");
    expect(status).toBe(0);
    expect(stdout).toContain("canary");
    expect((await store.run("set", "canary", "1%")).status).toBe(0);
    expect(store.record()["history"]).toEqual([{ rollout: 0.5 }]);
  });

  test("a store without a past says so", async () => {
    using store = fileStore({});
    expect((await store.run("history")).stdout).toBe("the store remembers no change\n");
  });

  test("an application without records is named, with the one that was probably meant", async () => {
    using store = fileStore({ website: { canary: 0.1 } });
    const { status, stdout, stderr } = await store.run("history", "-application", "websiet");
    expect([status, stdout]).toEqual([0, "the store remembers no change\n"]);
    expect(stderr).toMatch(/ has no records of websiet; did you mean website\?\n$/);
    // A version without changes is no such case.
    const other = await store.run("history", "blue", "-application", "website");
    expect([other.status, other.stderr]).toEqual([0, ""]);
  });

  test.each(["0", "1001", "x"])("-limit %s is refused", async (limit) => {
    using store = fileStore({});
    const { status, stderr } = await store.run("history", "-limit", limit);
    expect([status, stderr.includes("write a number from 1 to 1000")]).toEqual([2, true]);
  });

  test("a reason that is too long is cut, because it must not stop a rollback", async () => {
    using store = fileStore({ app: { canary: 0.1 } });
    const { status } = await store.run("set", "canary", "0%", "-m", `${"x".repeat(490)}🚢🚢🚢`);
    expect(status).toBe(0);
    const { stdout } = await store.run("history", "-o", "json");
    const why = `${"x".repeat(490)}🚢…`;
    expect(stdout).toContain(JSON.stringify(why));
    expect(Buffer.byteLength(why)).toBeLessThanOrEqual(500);
  });
});
