/** Operators with SQL: their changes count, are noticed, and are remembered. */

import { beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { checkRecord } from "../../../src/records/check.ts";
import type { Store } from "../../../src/stores/store.ts";
import { run } from "../../cli/run.ts";
import { eventually } from "../../support/eventually.ts";
import { ADMIN, hasMariadb } from "../../support/mariadb.ts";
import { messageOf } from "../../support/reason-of.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { rollouts, watchOf } from "../store-suite.ts";
import { loosen } from "./harness.ts";
import { OPERATOR, useMariadb } from "./world.ts";

const world = useMariadb();

describe.skipIf(!hasMariadb)("operators with SQL", () => {
  let database: string;
  let store: Store;
  beforeAll(async () => {
    database = await world.freshDatabase();
  }, 30_000);

  /** The login of an operator. */
  const sql = (text: string) => world.engine.sql(text, database, OPERATOR);
  const open = async () => {
    store = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    return store;
  };
  const read = (application: string) => store.read(application, soon());

  test("an UPDATE by hand counts, is noticed, and is remembered with the login that made it", async () => {
    await open();
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const before = (await read("website")).get("canary");
    const push = watchOf(store, "website");
    await eventually(() => push.count > 0, "the watch is ready");
    const nudged = push.next();
    await sql("UPDATE maxwells_daemon SET rollout = 0.05 WHERE application = 'website'");
    await nudged;
    push.end();
    const after = (await read("website")).get("canary");
    expect(after?.value).toEqual({ rollout: 0.05 });
    expect(after?.position).toBeGreaterThan(before?.position ?? Number.NaN);
    const [newest] = (await store.history?.("website", 1, soon())) ?? [];
    expect(newest).toMatchObject({ value: { rollout: 0.05 }, login: OPERATOR.user });
    expect(Math.abs((newest?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const lost = await store.write?.("website", "canary", { rollout: 1 }, before?.revision ?? "", soon());
    expect(lost).toEqual({ ok: false, current: after });
  });

  test("a count that came again with another record, after a fail-over, does not fit", async () => {
    await open();
    await store.write?.("count", "canary", { rollout: 0.25, why: "one" }, null, soon());
    const before = (await read("count")).get("canary");
    const old = before?.revision ?? "";
    // The trigger gives the next count, so the count is put back.
    await world.engine.sql(
      `UPDATE maxwells_daemon SET fields = '{"why": "two"}' WHERE application = 'count';
       DROP TRIGGER maxwells_daemon_count_update`,
      database,
    );
    await world.engine.sql(
      `UPDATE maxwells_daemon SET revision = ${before?.position} WHERE application = 'count'`,
      database,
    );
    const owner = await world.openAt(world.engine.address(ADMIN, world.engine.port, database));
    await owner.init?.(soon());
    const after = (await read("count")).get("canary");
    expect([after?.position, after?.value]).toEqual([before?.position, { rollout: 0.25, why: "two" }]);
    expect(await store.write?.("count", "canary", { rollout: 1 }, old, soon())).toEqual({
      ok: false,
      current: after,
    });
    expect(await store.remove?.("count", "canary", old, soon())).toEqual({ ok: false, current: after });
  });

  test("a change by hand does not look like one by the last author, also over a connection of this program", async () => {
    await open();
    const signed = {
      ...{ rollout: 0.25, updatedBy: "grace@web1", updatedAt: "2026-01-02T03:04:05.000Z", why: "first" },
    };
    const made = await store.write?.("signed", "canary", signed, null, soon());
    await store.write?.(
      "signed",
      "canary",
      { ...signed, rollout: 0.3 },
      made?.ok ? made.revision : "",
      soon(),
    );
    expect((await read("signed")).get("canary")?.value).toEqual({ ...signed, rollout: 0.3 });
    await sql("UPDATE maxwells_daemon SET rollout = 0.5 WHERE application = 'signed'");
    const value = (await read("signed")).get("canary")?.value as Readonly<Record<string, unknown>>;
    expect(value).toEqual({ rollout: 0.5, updatedBy: OPERATOR.user, updatedAt: expect.any(String) });
    expect(String(value["updatedAt"])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(String(value["updatedAt"])) - Date.now())).toBeLessThan(60_000);
  });

  test("neither the clock nor the time zone of a session is in the history", async () => {
    await open();
    await sql(
      `SET timestamp = 1000000; SET time_zone = '+09:00'; SET sql_mode = '';
       INSERT INTO maxwells_daemon (application, version, rollout) VALUES ('late', 'canary', 0.25);
       UPDATE maxwells_daemon SET rollout = 0.5 WHERE application = 'late';
       DELETE FROM maxwells_daemon WHERE application = 'late'`,
    );
    const past = (await store.history?.("late", 5, soon())) ?? [];
    expect(past.map(({ value }) => value)).toEqual([undefined, { rollout: 0.5 }, { rollout: 0.25 }]);
    for (const { atMs = 0 } of past) expect(Math.abs(atMs - Date.now())).toBeLessThan(60_000);
    expect(await sql("SELECT @@time_zone = 'SYSTEM'")).toBe("1");
  });

  test("history shows the login if another name signed", async () => {
    const place = [
      "-store",
      world.engine.address(OPERATOR, world.engine.port, database),
      "-application",
      "seen",
    ];
    const as = (USER: string, ...words: string[]) => run([...words, ...place], { USER });
    await as("ada", "set", "canary", "10%", "-new");
    await as("grace", "set", "canary", "20%");
    await world.engine.sql("UPDATE maxwells_daemon SET rollout = 0.3 WHERE application = 'seen'", database);
    await sql("DELETE FROM maxwells_daemon WHERE application = 'seen'");
    const { stdout } = await as("ada", "history");
    const [, ...lines] = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/ {2,}/)[4])).toEqual([
      ...["ada", "root", `grace@${hostname()} (as login ada)`, `ada@${hostname()}`],
    ]);
  });

  test("a record that is renamed or removed by hand is noticed and remembered", async () => {
    await open();
    for (const [change, application, left] of [
      ["DELETE FROM maxwells_daemon WHERE application = 'a'", "a", {}],
      ["UPDATE maxwells_daemon SET application = 'renamed' WHERE application = 'b'", "b", {}],
      ["UPDATE maxwells_daemon SET version = 'blue' WHERE application = 'c'", "c", { blue: 0.25 }],
      ["REPLACE INTO maxwells_daemon VALUES ('d', 'canary', 0.5, '{}', 0)", "d", { canary: 0.5 }],
    ] as const) {
      await store.write?.(application, "canary", { rollout: 0.25 }, null, soon());
      const push = watchOf(store, application);
      await eventually(() => push.count > 0, "the watch is ready");
      const nudged = push.next();
      await sql(change);
      await nudged;
      push.end();
      expect([change, rollouts(await read(application))]).toEqual([change, left]);
      if (application === "d") continue;
      const past = (await store.history?.(application, 10, soon())) ?? [];
      expect(past.find(({ version }) => version === "canary")?.value).toBeUndefined();
    }
  });

  test("the table refuses what could not count, and says what to write", async () => {
    await open();
    await store.write?.("refused", "canary", { rollout: 0.25 }, null, soon());
    for (const rollout of ["5", "-0.1", "NULL"]) {
      const refused = sql(`UPDATE maxwells_daemon SET rollout = ${rollout} WHERE application = 'refused'`);
      expect(await messageOf(refused)).toContain(
        rollout === "NULL" ? "cannot be null" : "rollout is from 0 to 1, as 0.05 for 5 %",
      );
    }
    const revision = (await read("refused")).get("canary")?.revision ?? "";
    const deep = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) as unknown;
    for (const note of ["x".repeat(70_000), "x".repeat(20_000_000), deep]) {
      const error = await fails(store.write?.("refused", "canary", { rollout: 0.5, note }, revision, soon()));
      expect(error).toMatchObject({ code: "refused" });
    }
    expect(rollouts(await read("refused"))).toEqual({ canary: 0.25 });
    expect(await fails(store.write?.("x".repeat(257), "v", { rollout: 0 }, null, soon()))).toMatchObject({
      code: "refused",
    });
  });

  test("if the table does not refuse them, NULL, 5 and rubbish are malformed records", async () => {
    await loosen(world);
    await world.engine.sql(
      `ALTER TABLE maxwells_daemon DROP CONSTRAINT \`fields is a JSON object\`;
       INSERT INTO maxwells_daemon VALUES ('odd', 'empty', NULL, '{}', 0), ('odd', 'five', 5, '{}', 0), ('odd', 'good', 0.1, '{}', 0),
         ('odd', 'list', 0.5, '[1]', 0), ('odd', 'null', 0.5, 'null', 0), ('odd', 'word', 0.5, 'soon', 0),
         ('odd', 'far', 0.5, '{"offset": 1e400}', 0);`,
      "suite",
    );
    const suite = await world.openAt(world.engine.address(OPERATOR));
    const snapshot = await suite.read("odd", soon());
    const many = await suite.readMany?.(["odd"], soon());
    expect(many?.get("odd")).toEqual(snapshot);
    const problems = [...snapshot].filter(
      ([version, { value }]) => checkRecord(version, value).problem !== undefined,
    );
    expect(problems.map(([version]) => version).sort()).toEqual(
      ["empty", "far", "five", "list", "null", "word"].sort(),
    );
    expect(snapshot.get("good")?.value).toEqual({ rollout: 0.1 });
    const { revision = "" } = snapshot.get("word") ?? {};
    const error = await fails(suite.write?.("odd", "word", { rollout: 0.1 }, revision, soon()));
    expect(error).toMatchObject({
      code: "refused",
      message: expect.stringContaining("correct them by hand"),
    });
  });

  test("names and values of any characters come back, and names differ by their bytes", async () => {
    await open();
    const names = [
      ...["'; DROP TABLE maxwells_daemon; --", 'a "quoted" \\ name', "line\nbreak\t\u0001", "日本 🦕 é"],
      ...["? %s {}", "nul\0", "Canary", "canary", "canary ", "Ca\u0301nary", "Cánary", "ß", "ss"],
    ];
    for (const name of names) {
      const fields = { rollout: 0.5, note: name, [name]: name };
      expect([name, (await store.write?.(name, name, fields, null, soon()))?.ok]).toEqual([name, true]);
    }
    for (const name of names) {
      const { value, revision = "" } = (await read(name)).get(name) ?? {};
      expect(value).toEqual({ rollout: 0.5, note: name, [name]: name });
      expect((await read(name)).size).toBe(1);
      expect((await store.history?.(name, 5, soon()))?.length).toBe(1);
      expect(
        (await store.write?.(name, name, { rollout: 0.25, [name]: undefined }, revision, soon()))?.ok,
      ).toBe(true);
      expect((await read(name)).get(name)?.value).toEqual(
        name === "note" ? { rollout: 0.25 } : { rollout: 0.25, note: name },
      );
    }
    expect(await store.applications?.(soon())).toEqual(expect.arrayContaining(names));
    expect(await read("half \ud800")).toEqual(new Map());
    const half = store.write?.("half \ud800", "canary", { rollout: 0.5 }, null, soon());
    expect(await fails(half)).toMatchObject({ code: "refused" });
  });

  test("numbers that JavaScript cannot hold stay as they are when a record is written", async () => {
    await open();
    const digits = "12345678901234567890.123456789012345678901234567890";
    await sql(
      `INSERT INTO maxwells_daemon VALUES ('exact', 'canary', 0.1, '{"big": ${digits}, "gone": 1, "in": [1e400]}', 0)`,
    );
    const revision = (await read("exact")).get("canary")?.revision ?? "";
    const fields = { rollout: 0.1 + 0.2, gone: undefined, new: [1] };
    expect((await store.write?.("exact", "canary", fields, revision, soon()))?.ok).toBe(true);
    expect(await sql("SELECT rollout, fields FROM maxwells_daemon WHERE application = 'exact'")).toBe(
      `0.30000000000000004|{"big":${digits},"in":[1e400],"new":[1]}`,
    );
  });

  test("revisions grow on after a removal, and also if the count fell behind", async () => {
    await open();
    const position = async () => (await read("grows")).get("canary")?.position ?? Number.NaN;
    await store.write?.("grows", "canary", { rollout: 0.1 }, null, soon());
    const first = await position();
    await sql("DELETE FROM maxwells_daemon WHERE application = 'grows'");
    await store.write?.("grows", "canary", { rollout: 0.1 }, null, soon());
    const second = await position();
    expect(second).toBeGreaterThan(first);
    await world.engine.sql(
      "UPDATE maxwells_daemon_changes SET revision = 1 WHERE application = ''",
      database,
    );
    await sql("UPDATE maxwells_daemon SET rollout = 0.2 WHERE application = 'grows'");
    expect(await position()).toBe(second + 1);
  });
});
