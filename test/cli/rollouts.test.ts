/** `get` and `set`, on real files and on a store that loses every race. */

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { run, temporaryDirectory } from "./run.ts";

/** A file store with `records`, and `run` on it. */
function fileStore(records: unknown) {
  const directory = temporaryDirectory();
  const path = directory.path("rollouts.json");
  writeFileSync(path, JSON.stringify(records));
  return {
    run: (...argv: string[]) => run([...argv, "-store", `file:${path}`]),
    read: () =>
      JSON.parse(readFileSync(path, "utf8")) as Record<string, Record<string, Record<string, unknown>>>,
    text: () => readFileSync(path, "utf8"),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

describe("set", () => {
  test.each([
    ["5%", 0.05],
    ["0.05", 0.05],
    ["100%", 1],
    ["0%", 0],
  ])("writes %s, with who and when", async (text, rollout) => {
    using store = fileStore({ app: { canary: 0.25 } });
    const { status, stdout, stderr } = await store.run("set", "canary", text);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toStartWith("canary of app: 25% (0.25) → ");
    const record = store.read()["app"]?.["canary"];
    expect(record).toMatchObject({ rollout, updatedBy: `ada@${hostname()}` });
    expect(Math.abs(Date.parse(String(record?.["updatedAt"])) - Date.now())).toBeLessThan(10_000);
  });

  test("keeps what it does not know, and all other records", async () => {
    const records = {
      app: { canary: { rollout: 0.1, offset: 0.5, note: { a: [1] } }, blue: 0.2 },
      other: { canary: 1 },
    };
    using store = fileStore(records);
    await store.run("set", "canary", "20%", "-failsafe", "hold");
    expect(store.read()).toMatchObject({
      app: { canary: { rollout: 0.2, offset: 0.5, failsafe: "hold", note: { a: [1] } }, blue: 0.2 },
      other: { canary: 1 },
    } as never);
  });

  test("makes a record that was not there, in an application that was not there", async () => {
    using store = fileStore({});
    const { status, stdout } = await store.run(
      "set",
      "canary",
      "5%",
      "-application",
      "new",
      "-offset",
      "0.25",
      "-new",
    );
    expect(status).toBe(0);
    expect(stdout).toContain("canary of new: new → 5% (0.05)");
    expect(store.read()["new"]?.["canary"]).toMatchObject({ rollout: 0.05, offset: 0.25 });
  });

  test.each([
    ["the application is not there", ["0%", "-application", "websit"], "of websit it has nothing"],
    ["the first record", ["5%", "-application", "websit"], "of websit it has nothing"],
    [
      "the version is not there",
      ["0%", "-application", "website", "canry"],
      "of website it has canary, blue",
    ],
  ])("does not take back what is not there: %s", async (_, words, reason) => {
    using store = fileStore({ website: { canary: 0.5, blue: 0 } });
    const before = store.text();
    const [rollout = "", flag = "", name = "", version = "canary"] = words;
    const { status, stdout, stderr } = await store.run("set", version, rollout, flag, name);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(reason);
    expect(stderr).toContain("-new");
    expect(store.text()).toBe(before);
    expect((await store.run("set", version, rollout, flag, name, "-new")).status).toBe(0);
  });

  test.each<[string, unknown]>([
    ["a number", 0.05],
    ["a record", { rollout: 0.05, updatedBy: "bob" }],
  ])("does nothing where the value is there already, as %s", async (_, record) => {
    using store = fileStore({ app: { canary: record } });
    const before = store.text();
    const { status, stdout } = await store.run("set", "canary", "5%");
    expect(status).toBe(0);
    expect(stdout).toBe("canary of app is 5% (0.05) already; nothing was written\n");
    expect(store.text()).toBe(before);
  });

  test("the same rollout with another offset is a change", async () => {
    using store = fileStore({ app: { canary: 0.05 } });
    await store.run("set", "canary", "5%", "-offset", "0.5");
    expect(store.read()["app"]?.["canary"]).toMatchObject({ rollout: 0.05, offset: 0.5 });
  });

  test("maintenance takes on and off, and no fraction", async () => {
    using store = fileStore({ app: { canary: 0 } });
    await store.run("set", "maintenance", "on");
    expect(store.read()["app"]?.["maintenance"]).toMatchObject({ rollout: 1 });
    await store.run("set", "maintenance", "off");
    expect(store.read()["app"]?.["maintenance"]).toMatchObject({ rollout: 0 });
    const { status, stderr } = await store.run("set", "maintenance", "50%");
    expect(status).toBe(2);
    expect(stderr).toContain("write on or off");
  });

  test.each<[readonly string[], string]>([
    [["master", "5%"], "master is everyone outside every arc"],
    [["-", "5%"], "cannot be a version"],
    [["a/b", "5%"], "cannot be a version"],
    [["x".repeat(65), "5%"], "cannot be a version"],
    [["canary", "5"], "write 5% or 0.05"],
    [["canary", "150%"], "from 0% to 100%"],
    [["canary", "on"], "such as 5% or 0.05"],
    [["canary", "5%", "-offset", "1"], "from 0 to less than 1"],
    [["canary", "5%", "-failsafe", "never"], "write master or hold"],
    [["canary", "5%", "-expect", "5"], "write 5% or 0.05"],
    [["canary", "5%", "-application", "a", "-application", "b"], "one application at a time"],
  ])("%p is refused with 2, and nothing is written", async (argv, message) => {
    using store = fileStore({ app: { canary: 0.25 } });
    const before = store.text();
    const { status, stderr, stdout } = await store.run("set", ...argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(store.text()).toBe(before);
  });

  test("-expect refuses with 4 what has changed, and tells who changed it", async () => {
    using store = fileStore({
      app: { canary: { rollout: 0.25, updatedBy: "bob@web1", updatedAt: "2026-01-02T03:04:05.000Z" } },
    });
    const before = store.text();
    const { status, stderr } = await store.run("set", "canary", "50%", "-expect", "10%");
    expect(status).toBe(4);
    expect(stderr).toContain(
      "is 25% (0.25) and not 10% (0.1), written by bob@web1 at 2026-01-02T03:04:05.000Z",
    );
    expect(stderr).toContain("nothing was written");
    expect(store.text()).toBe(before);
    expect((await store.run("set", "canary", "50%", "-expect", "25%")).status).toBe(0);
  });

  test("of operators who write at the same moment, one wins and each other one is told", async () => {
    using store = fileStore({ app: { canary: 0.1 } });
    const runs = await Promise.all(
      ["20%", "30%", "40%", "50%"].map((text) => store.run("set", "canary", text, "-expect", "10%")),
    );
    expect(runs.map(({ status }) => status).sort()).toEqual([0, 4, 4, 4]);
    const winner = runs.findIndex(({ status }) => status === 0);
    expect(store.read()["app"]?.["canary"]?.["rollout"]).toBe([0.2, 0.3, 0.4, 0.5][winner]);
  });

  test.each<[string, string, string]>([
    [
      "another value",
      '{ value: { rollout: 0.3, updatedBy: "bob\\u001b[2J", updatedAt: "yesterday" }, revision: "2" }',
      "written by bob\\u001b[2J at yesterday and is 30% (0.3) now",
    ],
    ["a record that is gone", "undefined", "somebody removed canary of app"],
    ["a malformed record", '{ value: "x", revision: "2" }', "malformed"],
  ])("a lost compare-and-set tells of %s", async (_, current, message) => {
    using directory = temporaryDirectory();
    const path = directory.path("lost.ts");
    writeFileSync(
      path,
      `const first = new Map([["canary", { value: 0.1, revision: "1" }]]);
       export default () => ({
         address: "lost:", read: async () => first, close: async () => {},
         write: async () => ({ ok: false, current: ${current} }),
       });`,
    );
    const { status, stderr, stdout } = await run(["set", "canary", "5%", "-store", path]);
    expect({ status, stdout }).toEqual({ status: 4, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("nothing was written");
  });

  test("a malformed record is mended, or refused where it would stay malformed", async () => {
    using store = fileStore({ app: { canary: "much", blue: { rollout: 0.1, offset: 7 } } });
    expect((await store.run("set", "canary", "5%")).stdout).toContain("canary of app: malformed → 5%");
    const { status, stderr } = await store.run("set", "blue", "5%");
    expect(status).toBe(1);
    expect(stderr).toContain("its offset is 7");
    expect((await store.run("set", "blue", "5%", "-offset", "0")).status).toBe(0);
  });

  test("a malformed record counts as 0, and is written all the same where 0 is set", async () => {
    using store = fileStore({ app: { canary: { rollout: "much", note: 1 } } });
    expect((await store.run("set", "canary", "0%")).stdout).toContain("malformed → 0% (0)");
    expect(store.read()["app"]?.["canary"]).toMatchObject({ rollout: 0, note: 1 });
  });

  test("a store that is read-only says so", async () => {
    const { status, stderr } = await run(["set", "canary", "5%", "-store", "constant:0.1"]);
    expect(status).toBe(1);
    expect(stderr).toContain("constant:0.1 is read-only; nothing was written");
  });

  test("-o json tells what was and what is", async () => {
    using store = fileStore({ app: { canary: 0.1 } });
    const outcome = JSON.parse((await store.run("set", "canary", "20%", "-o", "json")).stdout);
    expect(outcome).toMatchObject({ written: true, before: { rollout: 0.1 }, after: { rollout: 0.2 } });
    const again = JSON.parse((await store.run("set", "canary", "20%", "-o", "json")).stdout);
    expect(again).toMatchObject({
      written: false,
      after: { rollout: 0.2, revision: outcome.after.revision },
    });
  });
});

describe("get", () => {
  const records = {
    app: { canary: { rollout: 0.25, updatedBy: "bob@web1", updatedAt: "now" }, blue: { rollout: 7 } },
    other: { green: { rollout: 0.5, offset: 0.5, failsafe: "hold" } },
  };

  test("prints aligned rows, and what is wrong with a malformed one", async () => {
    using store = fileStore(records);
    const { status, stdout } = await store.run("get");
    expect(status).toBe(0);
    const [title = "", ...rows] = stdout.trimEnd().split("\n");
    const canary = rows.find((row) => row.includes("canary")) ?? "";
    const blue = rows.find((row) => row.includes("blue")) ?? "";
    for (const [row, column, cell] of [
      [canary, "rollout", "25%"],
      [canary, "number", "0.25"],
      [canary, "updated by", "bob@web1"],
      [blue, "rollout", "0%"],
      [blue, "problem", "its rollout is 7; write a number from 0 to 1"],
    ] as const) {
      expect(row.slice(title.indexOf(column))).toStartWith(cell);
    }
  });

  test("prints several applications, and JSON", async () => {
    using store = fileStore(records);
    const { stdout } = await store.run("get", "-application", "app", "-application", "other", "-o", "json");
    const shown = JSON.parse(stdout) as { application: string; version: string; failsafe: string }[];
    expect(shown.map(({ application, version }) => `${application} ${version}`).sort()).toEqual([
      "app blue",
      "app canary",
      "other green",
    ]);
    expect(shown.find(({ version }) => version === "green")).toMatchObject({
      offset: 0.5,
      failsafe: "hold",
    } as never);
  });

  test("a version that is not there ends with 1 and the remedy", async () => {
    using store = fileStore(records);
    const { status, stderr, stdout } = await store.run("get", "green");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("there are ");
  });

  test("an application without records is told, and is no failure", async () => {
    using store = fileStore({});
    expect(await store.run("get")).toMatchObject({ status: 0, stderr: "" });
    expect((await store.run("get", "-o", "json")).stdout).toBe("[]\n");
  });

  test("a store that does not answer ends with 3, another failure with 1", async () => {
    using directory = temporaryDirectory();
    for (const [code, expected] of [
      ["unavailable", 3],
      ["denied", 1],
    ] as const) {
      const path = directory.path(`${code}.ts`);
      const errors = new URL("../../src/stores/store.ts", import.meta.url).pathname;
      writeFileSync(
        path,
        `import { StoreError } from ${JSON.stringify(errors)};
         const read = async () => { throw new StoreError("${code}", "it is ${code}"); };
         export default () => ({ address: "x:", read, close: async () => {} });`,
      );
      const { status, stderr } = await run(["get", "-store", path]);
      expect(status).toBe(expected);
      expect(stderr).toContain(`it is ${code}`);
    }
  });
});
