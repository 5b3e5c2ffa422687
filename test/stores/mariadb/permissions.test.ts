/** The users and the rights of docs/stores/mariadb.md, and `init-store`. */

import { beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { ADMIN, hasMariadb } from "../../support/mariadb.ts";
import { messageOf } from "../../support/reason-of.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { rollouts, watchOf } from "../store-suite.ts";
import { CONTROLLER, OPERATOR, pageOfMariadb, READER, useMariadb } from "./world.ts";

const world = useMariadb();

describe.skipIf(!hasMariadb)("permissions", () => {
  let database: string;
  beforeAll(async () => {
    database = await world.freshDatabase();
  }, 30_000);

  const refused = async (text: string, login: { user: string; password: string }) =>
    expect([text, await messageOf(world.engine.sql(text, database, login))]).toEqual([
      text,
      expect.stringMatching(/denied/),
    ]);

  test("the daemon's user reads and notices changes, and can do nothing else", async () => {
    const operator = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    await operator.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const store = await world.openAt(world.engine.address(READER, world.engine.port, database));
    const push = watchOf(store, "website");
    await eventually(() => push.count > 0, "the watch is ready");
    const { revision = "" } = (await store.read("website", soon())).get("canary") ?? {};
    const nudged = push.next();
    await operator.write?.("website", "canary", { rollout: 0.5 }, revision, soon());
    await nudged;
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });
    expect(await store.clock?.(soon())).toBeNumber();
    const log = { application: "website", key: "0123456789abcdef01234567" };
    const { revision: now = "" } = (await store.read("website", soon())).get("canary") ?? {};
    for (const attempt of [
      () => store.write?.("website", "canary", { rollout: 1 }, now, soon()),
      () => store.write?.("website", "canary", { rollout: 1 }, null, soon()),
      () => store.write?.("website", "blue", { rollout: 1 }, null, soon()),
      () => store.remove?.("website", "canary", now, soon()),
      () => store.history?.("website", 1, soon()),
    ]) {
      expect(await fails(attempt())).toMatchObject({
        code: "denied",
        message: expect.stringContaining("1142"),
      });
    }
    for (const attempt of [
      () => store.evidence?.append(log, ["x"], soon()),
      () => store.evidence?.read(log, undefined, soon()),
    ]) {
      const message = expect.stringContaining("grant EXECUTE on the procedure maxwells_daemon_append");
      expect(await fails(attempt())).toMatchObject({ code: "denied", message });
    }
    for (const text of [
      "DELETE FROM maxwells_daemon",
      "TRUNCATE maxwells_daemon",
      "DROP TABLE maxwells_daemon",
    ]) {
      await refused(text, READER);
    }
    expect(world.warnings).toEqual([]);
  });

  test("a daemon that may not see the changes says so once, and is nudged by nothing", async () => {
    await world.engine.sql("REVOKE SELECT ON maxwells_daemon_changes FROM maxwells_daemon", database);
    const store = await world.openAt(world.engine.address(READER, world.engine.port, database));
    const pushes = ["website", "other"].map((name) => watchOf(store, name));
    await eventually(() => world.warnings.length > 0, "a warning");
    expect(world.warnings).toEqual([expect.stringContaining("grant SELECT on maxwells_daemon_changes")]);
    for (const push of pushes) push.end();
    await world.engine.sql("GRANT SELECT ON maxwells_daemon_changes TO maxwells_daemon", database);
  });

  test("a daemon without any table is told to make it, and not to get a right", async () => {
    await world.engine.sql("CREATE DATABASE tableless; GRANT SELECT ON tableless.* TO maxwells_daemon");
    const store = await world.openAt(world.engine.address(READER, world.engine.port, "tableless"));
    const push = watchOf(store, "website");
    await eventually(() => world.warnings.length > 0, "a warning");
    expect(world.warnings).toEqual([
      expect.stringContaining("maxwells_daemon_changes with maxwells-daemon init-store"),
    ]);
    push.end();
  });

  test("a controller writes records and evidence, reads both, and can do nothing else", async () => {
    const log = { application: "website", key: "0123456789abcdef01234567" };
    const store = await world.openAt(world.engine.address(CONTROLLER, world.engine.port, database));
    const release = (seq: number) => ({ rollout: 0.01 * seq, release: { seq } });
    const created = await store.write?.("led", "canary", release(1), null, soon());
    const revision = created?.ok ? created.revision : "";
    expect((await store.write?.("led", "canary", release(2), revision, soon()))?.ok).toBe(true);
    await store.evidence?.append(log, ["told"], soon());
    expect((await store.evidence?.read(log, undefined, soon()))?.batches).toEqual(["told"]);
    const operator = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    expect(await operator.history?.("led", 1, soon())).toMatchObject([{ login: CONTROLLER.user }]);
    expect(await fails(store.history?.("led", 1, soon()))).toMatchObject({ code: "denied" });
    expect(await fails(store.remove?.("led", "canary", revision, soon()))).toMatchObject({ code: "denied" });
    for (const text of [
      "DELETE FROM maxwells_daemon_evidence",
      "UPDATE maxwells_daemon_evidence SET batch = ''",
      "INSERT INTO maxwells_daemon_evidence VALUES ('website', '0123456789abcdef01234567', 9, 'x', '2026-01-01')",
      "UPDATE maxwells_daemon_evidence_logs SET last = 0",
      "DELETE FROM maxwells_daemon",
      "UPDATE maxwells_daemon_changes SET revision = 0",
    ]) {
      await refused(text, CONTROLLER);
    }
  });

  test("a daemon that reports writes evidence, and reads none", async () => {
    const log = { application: "website", key: "89abcdef0123456789abcdef" };
    const page = await pageOfMariadb();
    const [grant = ""] = /GRANT EXECUTE ON PROCEDURE \S+ TO maxwells_daemon;/.exec(page) ?? [];
    await world.engine.sql(grant, database);
    const store = await world.openAt(world.engine.address(READER, world.engine.port, database));
    await store.evidence?.append(log, ["x"], soon());
    expect(await fails(store.evidence?.read(log, undefined, soon()))).toMatchObject({ code: "denied" });
    const operator = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    expect((await operator.evidence?.read(log, undefined, soon()))?.batches).toEqual(["x"]);
    expect(await fails(operator.evidence?.append(log, ["y"], soon()))).toMatchObject({ code: "denied" });
  });

  test("operators write, and cannot forge the history", async () => {
    for (const text of [
      "INSERT INTO maxwells_daemon_history (application, version, revision, changed_by, changed_at) VALUES ('a', 'b', 1, 'c', '2026-01-01')",
      "DELETE FROM maxwells_daemon_history",
      "UPDATE maxwells_daemon_changes SET revision = 0",
      "DROP TRIGGER maxwells_daemon_update",
      "CREATE OR REPLACE TRIGGER maxwells_daemon_update AFTER UPDATE ON maxwells_daemon FOR EACH ROW SET @a = 1",
      "TRUNCATE maxwells_daemon",
    ]) {
      await refused(text, OPERATOR);
    }
  });
});

describe.skipIf(!hasMariadb)("making the table", () => {
  test("the triggers of an earlier program are replaced by the user that made them, and by no other", async () => {
    const database = await world.freshDatabase();
    const body = `SELECT ACTION_STATEMENT FROM information_schema.TRIGGERS
      WHERE TRIGGER_SCHEMA = '${database}' AND TRIGGER_NAME = 'maxwells_daemon_update'`;
    const asMade = await world.engine.sql(body);
    await world.engine.sql(
      `CREATE OR REPLACE DEFINER = admin TRIGGER maxwells_daemon_update AFTER UPDATE ON maxwells_daemon
       FOR EACH ROW SET @nothing = 1`,
      database,
    );
    const operator = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    expect(await operator.init?.(soon())).toBe("the table maxwells_daemon is there");
    expect(await world.engine.sql(body)).not.toBe(asMade);
    const owner = await world.openAt(world.engine.address(ADMIN, world.engine.port, database));
    expect(await owner.init?.(soon())).toContain("with triggers as this program makes them");
    expect(await world.engine.sql(body)).toBe(asMade);
  });

  test("of several that make it at once one does, also after one that did not get done", async () => {
    await world.engine.sql(
      "CREATE DATABASE `many``makers`; GRANT ALL ON `many``makers`.* TO admin; CREATE TABLE `many``makers`.maxwells_daemon_unfinished (a INT)",
    );
    const address = world.engine.address(ADMIN, world.engine.port, encodeURIComponent("many`makers"));
    const stores = await Promise.all(Array.from({ length: 6 }, () => world.openAt(address)));
    const done = await Promise.all(stores.map((store) => store.init?.(soon())));
    expect(done.filter((sentence) => sentence?.includes("were made")).length).toBe(1);
    const [store] = stores;
    expect((await store?.write?.("website", "canary", { rollout: 0.5 }, null, soon()))?.ok).toBe(true);
    expect((await store?.history?.("website", 5, soon()))?.length).toBe(1);
    expect(await world.engine.sql("SHOW TABLES LIKE '%unfinished'", "many`makers")).toBe("");
  });

  test("without a table, a database or the right to make it, the message says what to do", async () => {
    await world.engine.sql("CREATE DATABASE bare; GRANT SELECT ON bare.* TO ada");
    const store = await world.openAt(world.engine.address(OPERATOR, world.engine.port, "bare"));
    const missing = await fails(store.read("website", soon()));
    expect(missing).toMatchObject({ code: "missing" });
    expect(missing.message).toContain(`init-store -store mariadb://127.0.0.1:${world.engine.port}/bare`);
    expect(await fails(store.init?.(soon()))).toMatchObject({ code: "denied" });
    expect(
      await fails(store.evidence?.read({ application: "a", key: "b" }, undefined, soon())),
    ).toMatchObject({
      code: "missing",
    });
    const nowhere = await world.openAt(world.engine.address(ADMIN, world.engine.port, "nowhere"));
    expect((await fails(nowhere.read("website", soon()))).code).toMatch(/missing|denied/);
    const stranger = await world.openAt(world.engine.address(READER, world.engine.port, "nowhere"));
    expect(await fails(stranger.read("website", soon()))).toMatchObject({
      code: "denied",
      message: expect.stringContaining("or has none of this name (1044); correct the name in the address"),
    });
    const silent = await world.openAt(`mariadb://${OPERATOR.user}@127.0.0.1:${world.engine.port}/bare`);
    const asked = await fails(silent.read("website", soon()));
    expect(asked).toMatchObject({ code: "denied", message: expect.stringContaining("MYSQL_PWD") });
  });

  test("another program's table is malformed, and init leaves it as it is", async () => {
    await world.engine.sql(
      "CREATE DATABASE others; GRANT ALL ON others.* TO admin; CREATE TABLE others.maxwells_daemon (id INT)",
    );
    const store = await world.openAt(world.engine.address(ADMIN, world.engine.port, "others"));
    expect(await store.init?.(soon())).toBe("the table maxwells_daemon is there");
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    expect(await world.engine.sql("SHOW TABLES", "others")).toBe("maxwells_daemon");
  });

  test("without the user that made it, each write is refused with its reason", async () => {
    await world.engine.sql(
      "CREATE USER maker IDENTIFIED BY 'maker-secret'; CREATE DATABASE made; GRANT ALL ON made.* TO maker",
    );
    const maker = await world.openAt(
      world.engine.address({ user: "maker", password: "maker-secret" }, world.engine.port, "made"),
    );
    await maker.init?.(soon());
    await world.engine.sql("GRANT ALL ON made.* TO admin; DROP USER maker");
    const store = await world.openAt(world.engine.address(ADMIN, world.engine.port, "made"));
    const error = await fails(store.write?.("website", "canary", { rollout: 0.5 }, null, soon()));
    expect(error).toMatchObject({
      code: "malformed",
      message: expect.stringContaining("make that user again"),
    });
    expect(await store.read("website", soon())).toEqual(new Map());
  });
});
