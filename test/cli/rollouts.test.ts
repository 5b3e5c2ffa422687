/** `get`, `set` and `remove`, on real files and on stores that lose races or answers. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { hasSmallDisks, mountSmallDisk, unmount } from "../support/disk.ts";
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
  ])("writes %s, with author and time", async (text, rollout) => {
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
    ["an application at 0%", ["0%", "-application", "websit"], "has no records of websit"],
    ["an application at 5%", ["5%", "-application", "websit"], "has no records of websit"],
    ["a version at 0%", ["0%", "-application", "website", "canry"], "no version canry; did you mean canary?"],
    [
      "a version at 5%",
      ["5%", "-application", "website", "canray"],
      "no version canray; did you mean canary?",
    ],
    ["another case", ["5%", "-application", "website", "CANARY"], "no version CANARY; did you mean canary?"],
    ["a wild name", ["5%", "-application", "website", "zzzzzz"], "no version zzzzzz; it has canary, blue"],
  ])("writes nothing under a name that is not there, unless with -new: %s", async (_, words, reason) => {
    using store = fileStore({ website: { canary: { rollout: 0.5, offset: 0.25 }, blue: 0 } });
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
    [["master", "5%"], "master is not set: it serves all visitors that no other version serves"],
    [["-", "5%"], "cannot be a version"],
    [["a/b", "5%"], "cannot be a version"],
    [["x".repeat(65), "5%"], "cannot be a version"],
    [["canary", "5"], "write 5% or 0.05"],
    [["canary", "150%"], "from 0% to 100%"],
    [["canary", "on"], "such as 5% or 0.05"],
    [["maintenence", "on"], '"on": only maintenance is on or off; did you mean maintenance?'],
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
    ["a record that is gone", "undefined", "another writer removed canary of app"],
    ["a malformed record", '{ value: "x", revision: "2" }', "malformed"],
  ])("a lost compare-and-set names %s", async (_, current, message) => {
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
    expect((await store.run("set", "blue", "5%", "-offset", "0.5")).status).toBe(0);
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

/**
 * A store of one record in memory, whose `write` is what `body` says; it may use `records`, `turn` and
 * `StoreError`.
 */
function scripted(directory: { path(name: string): string }, body: string): string {
  const errors = new URL("../../src/stores/store.ts", import.meta.url).pathname;
  const path = directory.path("scripted.ts");
  writeFileSync(
    path,
    `import { StoreError } from ${JSON.stringify(errors)};
     import { writeFileSync } from "node:fs";
     const records = new Map([["canary", { value: { rollout: 0.5 }, revision: "1" }]]);
     let turn = 0;
     const put = (value, revision) => records.set("canary", { value, revision });
     const keep = () =>
       writeFileSync(${JSON.stringify(directory.path("kept"))}, JSON.stringify(records.get("canary") ?? null));
     export default () => ({
       address: "scripted:", close: async () => keep(),
       read: async () => { if (turn < 0) throw new StoreError("unavailable", "it is away"); return new Map(records); },
       write: async (application, version, fields, expected) => { turn++; ${body} },
     });`,
  );
  return path;
}

describe("set canary 0%", () => {
  test("is tried again after each conflict, and keeps what the others wrote", async () => {
    using directory = temporaryDirectory();
    const store = scripted(
      directory,
      `const current = records.get("canary");
       if (turn <= 3) { put({ rollout: 0.5 + turn / 10, note: turn }, "other" + turn); return { ok: false, current }; }
       if (current.revision !== expected) return { ok: false, current };
       put({ ...current.value, ...fields }, "mine");
       return { ok: true, revision: "mine" };`,
    );
    const { status, stdout, stderr } = await run(["set", "canary", "0%", "-store", store]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("canary of app: 80% (0.8) → 0% (0) in scripted:, after 3 other writes");
    const kept = JSON.parse(readFileSync(directory.path("kept"), "utf8"));
    expect(kept.value).toMatchObject({ rollout: 0, note: 3 });
  });

  test("gives way with -expect, and so does a change to another rollout", async () => {
    using directory = temporaryDirectory();
    const store = scripted(directory, `return { ok: false, current: records.get("canary") };`);
    for (const words of [["0%", "-expect", "50%"], ["10%"]]) {
      expect((await run(["set", "canary", ...words, "-store", store])).status).toBe(4);
    }
  });

  test("wins a race against writers on a real file, in any order", async () => {
    using store = fileStore({ app: { canary: 0.5 } });
    const others = async () => {
      for (let write = 1; write <= 20; write++) await store.run("set", "canary", `${10 + write}%`);
    };
    const racing = Promise.all([others(), others()]);
    const downs: number[] = [];
    for (let down = 0; down < 10; down++) downs.push((await store.run("set", "canary", "0%")).status);
    await racing;
    expect(downs).toEqual(downs.map(() => 0));
  });

  test.each([
    ["away", `throw new StoreError("unavailable", "it is away")`],
    ["denied", `throw new StoreError("denied", "you may not")`],
  ])("names the emergency brake if the store is %s", async (_, fault) => {
    using directory = temporaryDirectory();
    const store = scripted(directory, fault);
    const { status, stderr } = await run(["set", "canary", "0%", "-store", store]);
    expect(status).toBeGreaterThan(0);
    expect(stderr).toContain("systemctl stop maxwells-daemon.socket maxwells-daemon.service");
    const up = await run(["set", "canary", "60%", "-store", store]);
    expect(up.stderr).not.toContain("systemctl");
  });

  test.skipIf(!hasSmallDisks())("names it on a full disk, and says that all is as it was", async () => {
    using directory = temporaryDirectory();
    const disk = directory.path("disk");
    mkdirSync(disk);
    mountSmallDisk(disk);
    try {
      writeFileSync(
        `${disk}/r.json`,
        JSON.stringify({ app: { canary: { rollout: 0.5, note: "x".repeat(9_000) } } }),
      );
      try {
        writeFileSync(`${disk}/ballast`, "x".repeat(200_000));
      } catch {
        // It is full now.
      }
      const { status, stderr } = await run(["set", "canary", "0%", "-store", `file:${disk}/r.json`]);
      expect(status).toBe(3);
      expect(stderr).toContain("canary of app is as it was");
      expect(stderr).toContain("systemctl stop maxwells-daemon.socket maxwells-daemon.service");
    } finally {
      unmount(disk);
    }
  });

  test.each<[string, string | undefined]>([
    ["lost", undefined],
    ["malformed", '{ "app": '],
  ])("says what visitors see if the file is %s", async (_, text) => {
    using directory = temporaryDirectory();
    const path = directory.path("rollouts.json");
    if (text !== undefined) writeFileSync(path, text);
    const at = ["-store", `file:${path}`];
    const off = await run(["set", "maintenance", "off", ...at]);
    expect(off.status).toBe(1);
    expect(off.stderr).toEndWith(
      "; nothing was written\n" +
        "  if maintenance is on, visitors still see the maintenance page;\n" +
        "  if you cannot wait for the store, end it by hand: docs/operating.md#maintenance\n",
    );
    const up = await run(["set", "canary", "10%", ...at]);
    expect(up.status).toBe(1);
    expect(up.stderr).toEndWith(
      "; nothing was written\n" +
        "  visitors are served as before. A daemon that cannot read the store either sends them to master after\n" +
        "  -unhealthy, except those of versions with failsafe hold\n",
    );
    const on = await run(["set", "maintenance", "on", ...at]);
    expect(on.stderr).toContain("; nothing was written\n  visitors are served as before.");
  });

  test("names it as well if the store cannot even be read", async () => {
    const { status, stderr } = await run(["set", "canary", "0%", "-store", "redis://127.0.0.1:1"]);
    expect(status).toBe(3);
    expect(stderr).toContain("nothing was written");
    expect(stderr).toContain("systemctl stop maxwells-daemon.socket");
  });
});

describe("an answer that is lost", () => {
  test("is found out by reading again: it was written", async () => {
    using directory = temporaryDirectory();
    const store = scripted(
      directory,
      `put({ ...fields }, "mine"); throw new StoreError("unavailable", "the connection broke")`,
    );
    const { status, stdout } = await run(["set", "canary", "60%", "-store", store, "-o", "json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ written: true, after: { rollout: 0.6, revision: "mine" } });
  });

  test("is found out by reading again: it was not written", async () => {
    using directory = temporaryDirectory();
    const store = scripted(directory, `throw new StoreError("unavailable", "the connection broke")`);
    const { status, stderr } = await run(["set", "canary", "60%", "-store", store]);
    expect(status).toBe(3);
    expect(stderr).toContain("the connection broke; canary of app is as it was");
  });

  test("is told as open if the store cannot be read any more", async () => {
    using directory = temporaryDirectory();
    const store = scripted(
      directory,
      `turn = -1; throw new StoreError("unavailable", "the connection broke")`,
    );
    const { status, stderr } = await run(["set", "canary", "0%", "-store", store]);
    expect(status).toBe(3);
    expect(stderr).toContain("the answer was lost, and the change may have been written");
    expect(stderr).toContain("look with get");
    expect(stderr).toContain("systemctl stop");
  });
});

describe("set shows each field that changed", () => {
  test.each<[readonly string[], string]>([
    [["21%", "-failsafe", "hold"], "canary of app: 21% (0.21), failsafe master → hold in file:"],
    [["21%", "-offset", "0.5"], "canary of app: 21% (0.21), offset 0 → 0.5 in file:"],
    [
      ["30%", "-offset", "0.5", "-failsafe", "hold"],
      "canary of app: 21% (0.21) → 30% (0.3), offset 0 → 0.5, failsafe master → hold in file:",
    ],
  ])("%p", async (words, text) => {
    using store = fileStore({ app: { canary: 0.21 } });
    expect((await store.run("set", "canary", ...words)).stdout).toStartWith(text);
  });

  test("maintenance as on and off", async () => {
    using store = fileStore({ app: { canary: 0.21 } });
    const texts = [];
    for (const word of ["on", "on", "off"]) {
      texts.push((await store.run("set", "maintenance", word)).stdout.replace(/ in file:.*/, ""));
    }
    expect(texts).toEqual([
      "maintenance of app: off → on\n",
      "maintenance of app is on already; nothing was written\n",
      "maintenance of app: on → off\n",
    ]);
    expect((await store.run("history")).stdout).toMatch(/maintenance +off .*\n.*maintenance +on /);
    expect((await store.run("get")).stdout).toMatch(/maintenance +off /);
  });

  test("a release that begins with the last one's hold and offset says so, and so does one that holds below 100%", async () => {
    using store = fileStore({ app: { canary: { rollout: 0, offset: 0.5, failsafe: "hold" } } });
    const first = await store.run("set", "canary", "1%");
    expect(first.status).toBe(0);
    expect(first.stderr).toContain("canary begins with -failsafe hold and -offset 0.5 of the last release");
    expect(first.stderr).toContain(
      "canary has -failsafe hold below 100%: if the store is lost, it stays at 1%",
    );
    expect((await store.run("get")).stdout).toContain("failsafe hold below 100%");
    expect(JSON.parse((await store.run("get", "-o", "json")).stdout)).toEqual([
      expect.objectContaining({ version: "canary", remark: "holds below 100%" }),
    ]);
    const held = await store.run("set", "canary", "2%");
    expect(held.stdout).toContain("canary of app: 1% (0.01) → 2% (0.02), offset 0.5, failsafe hold in file:");
    const named = await store.run("set", "canary", "2%", "-failsafe", "master");
    expect(named.stderr).toBe("");
    expect((await store.run("set", "canary", "100%", "-failsafe", "hold")).stderr).toBe("");
  });

  test("history shows failsafe and offset in each row as soon as one differs", async () => {
    using store = fileStore({ app: { canary: 0.21 } });
    await store.run("set", "canary", "21%", "-failsafe", "hold");
    await store.run("set", "canary", "21%", "-offset", "0.5");
    const rows = (await store.run("history")).stdout.split("\n").slice(1, 4);
    expect(
      rows.map((row) =>
        row
          .replace(/^.*canary +/, "")
          .split(/ +/)
          .slice(0, 3),
      ),
    ).toEqual([
      ["21%", "0.5", "hold"],
      ["21%", "0", "hold"],
      ["21%", "0", "master"],
    ]);
  });
});

describe("overlaps", () => {
  test("a change that takes visitors from a version is refused, with an offset that fits", async () => {
    using store = fileStore({ app: { canary: 0.5, blue: 0 } });
    const before = store.text();
    const { status, stderr } = await store.run("set", "blue", "10%");
    expect(status).toBe(1);
    expect(stderr).toContain("canary takes 10% of all visitors from blue; nothing was written");
    expect(stderr).toContain("-offset 0.5, or add -overlap");
    expect(store.text()).toBe(before);
    const fitting = await store.run("set", "blue", "10%", "-offset", "0.5");
    expect(fitting).toMatchObject({ status: 0, stderr: "" });
    expect((await store.run("get")).stdout).not.toContain("share");
  });

  test("so is one that grows into another, and its visitors would change with an offset", async () => {
    using store = fileStore({ app: { canary: 0.1, blue: { rollout: 0.2, offset: 0.1 } } });
    const { status, stderr } = await store.run("set", "canary", "20%");
    expect(status).toBe(1);
    expect(stderr).toContain("canary takes 10% of all visitors from blue");
    expect(stderr).toContain("-offset 0.300001 (those it has now change)");
  });

  test("-overlap allows it, get shows the share that is left, and taking back is never refused", async () => {
    using store = fileStore({ app: { canary: 0.5, blue: 0 } });
    const { status, stderr } = await store.run("set", "blue", "60%", "-overlap");
    expect(status).toBe(0);
    expect(stderr).toContain("canary takes 50% of all visitors from blue");
    const { stdout } = await store.run("get");
    expect(stdout).toMatch(/blue +60% +0\.6 +10% /);
    expect(stdout).toContain("canary takes 50% of all visitors from blue\n");
    await store.run("set", "blue", "50%");
    expect((await store.run("get")).stdout).toContain(
      "canary takes 50% of all visitors from blue (blue has its own with -offset 0.5)\n",
    );
    await store.run("set", "blue", "60%", "-overlap");
    const shares = JSON.parse((await store.run("get", "-o", "json")).stdout);
    expect(Object.fromEntries(shares.map(({ version, share }: never) => [version, share]))).toEqual({
      canary: 0.5,
      blue: 0.1,
    });
    for (const [version, text] of [
      ["canary", "40%"],
      ["blue", "30%"],
      ["blue", "0%"],
    ] as const) {
      expect((await store.run("set", version, text)).status).toBe(0);
    }
  });

  test("without room for both, no offset is named", async () => {
    using store = fileStore({ app: { canary: 0.7, blue: 0 } });
    const { stderr } = await store.run("set", "blue", "40%");
    expect(stderr).toContain("no offset has room for both");
  });
});

describe("a file that is not there", () => {
  const texts = async (...argv: string[]) => {
    using directory = temporaryDirectory();
    const path = directory.path("none.json");
    const { status, stdout, stderr } = await run([...argv, "-store", `file:${path}`]);
    expect([status, stdout]).toEqual([1, ""]);
    const [first = "", ...more] = stderr.replaceAll(directory.path(""), "").split("\n");
    expect(first).toStartWith(
      "maxwells-daemon: there is no file /none.json. If a daemon has used it, restore it: a new file ends maintenance",
    );
    expect(first).toEndWith("> /none.json; nothing was written");
    return more.map((line) => line.trim()).join(" ");
  };

  test("is made by hand, and then the first record is written by the same command", async () => {
    expect(await texts("set", "canary", "5%", "-new")).toBe("when the store is there, repeat this command ");
  });

  test("has the way out without the store for a rollback, and no word of a first record", async () => {
    const out =
      "to send all visitors to master without the store, stop the daemon on each machine: systemctl stop";
    expect(await texts("set", "canary", "0%")).toStartWith(out);
    expect(await texts("set", "canary", "0%", "-new")).toStartWith(
      `when the store is there, repeat this command ${out}`,
    );
    expect(await texts("set", "canary", "5%")).toStartWith("visitors are served as before. ");
  });
});

describe("remove", () => {
  test("removes a version at 0%, and leaves the others", async () => {
    using store = fileStore({ app: { canary: 0.1, canray: 0 } });
    const { status, stdout, stderr } = await store.run("remove", "canray");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("canray of app: 0% (0) → removed from file:");
    expect(store.read()).toEqual({ app: { canary: 0.1 } } as never);
  });

  test.each<[readonly string[], number, string]>([
    [["canary"], 1, "canary of app is at 10% (0.1); nothing was removed"],
    [["canary", "-force", "-expect", "20%"], 4, "is 10% (0.1) and not 20% (0.2)"],
    [["canry"], 1, "did you mean canary?"],
    [["canry"], 1, "\n  name a version that is there\n"],
    [["canary", "-application", "other"], 1, "has no records of other"],
    [["canary", "-application", "other"], 1, "\n  name the right -application\n"],
    [["canary", "-application", "a", "-application", "b"], 2, "one application at a time"],
    [["maintenance"], 1, "set maintenance off"],
  ])("%p is refused", async (words, expected, text) => {
    using store = fileStore({ app: { canary: 0.1, maintenance: 1 } });
    const before = store.text();
    const { status, stdout, stderr } = await store.run("remove", ...words);
    expect({ status, stdout }).toEqual({ status: expected, stdout: "" });
    expect(stderr).toContain(text);
    expect(stderr).not.toContain("-new");
    expect(store.text()).toBe(before);
  });

  test("-force removes the last one with its visitors, and says what follows", async () => {
    using store = fileStore({ app: { canary: 0.1 } });
    const { status, stderr } = await store.run("remove", "canary", "-force", "-expect", "10%");
    expect(status).toBe(0);
    expect(stderr).toContain("app has no version any more; all visitors go to master");
    expect(store.read()).toEqual({});
  });

  test("a store that is read-only, or cannot remove, says so", async () => {
    expect((await run(["remove", "canary", "-store", "constant:0.1"])).stderr).toContain("is read-only");
    using directory = temporaryDirectory();
    const store = scripted(directory, "");
    expect((await run(["remove", "canary", "-store", store])).stderr).toContain("cannot remove records");
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

  test("does not say that maintenance is off if its record is malformed", async () => {
    using store = fileStore({ app: { canary: 0.25, maintenance: 7 } });
    const { stdout } = await store.run("get");
    expect(stdout).toMatch(/^app +maintenance +stays as it was .*its rollout is 7; /m);
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

  test("what others wrote drives no terminal: neither C1 controls nor marks of direction get through", async () => {
    const hostile = "a\u009b31m\u009d0;x\u0007\u202eb\u2066\u2028\n";
    using store = fileStore({
      app: { canary: { rollout: 0.1, updatedBy: hostile, why: hostile }, "\u202ex": hostile },
    });
    for (const words of [
      ["get"],
      ["get", "-o", "json"],
      ["history"],
      ["history", "-o", "json"],
      ["set", "canary", "5%", "-expect", "20%"],
      ["set", "cana\u202ery", "5%"],
    ]) {
      const { stdout, stderr } = await store.run(...words);
      expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\u2028/u);
      expect(stdout + stderr).toContain(words[1]?.startsWith("cana\u202e") ? "\\u202e" : "\\u009b");
    }
  });

  test("a version that is not there ends with 1 and the remedy", async () => {
    using store = fileStore(records);
    const { status, stderr, stdout } = await store.run("get", "green");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("its versions are ");
  });

  test("an application without records is reported, and does not fail", async () => {
    using store = fileStore({});
    expect(await store.run("get")).toMatchObject({
      status: 0,
      stdout: "",
      stderr: expect.stringMatching(/has no record of app; all visitors go to master\n$/),
    });
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
