import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import mysql from "mysql2";
import { EVIDENCE_KEPT_MS } from "../../../src/stores/evidence.ts";
import { openStore } from "../../../src/stores/list.ts";
import { type MariadbAddress, parseMariadbAddress } from "../../../src/stores/mariadb/address.ts";
import { MariadbEvidence } from "../../../src/stores/mariadb/evidence.ts";
import type { Store } from "../../../src/stores/store.ts";
import type { Timers } from "../../../src/timers.ts";
import { eventually } from "../../support/eventually.ts";
import { ADMIN, hasMariadb, Mariadb } from "../../support/mariadb.ts";
import { fails, freshLog, soon } from "../../support/store-calls.ts";

const opened: { close(): unknown }[] = [];
let engine: Mariadb;

beforeAll(async () => {
  if (!hasMariadb) return;
  engine = await Mariadb.start();
  await engine.sql(
    `CREATE DATABASE suite; CREATE USER admin IDENTIFIED BY '${ADMIN.password}'; GRANT ALL ON suite.* TO admin`,
  );
  const store = await open();
  await store.init?.(soon());
  await store.close();
}, 60_000);

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

afterAll(async () => {
  await engine?.stop();
});

async function open(): Promise<Store> {
  const store = await openStore(engine.address(ADMIN), {
    ...{ table: "", region: "", environment: {}, warn: () => {} },
  });
  opened.push(store);
  return store;
}

const ROWS = "SELECT COUNT(*) FROM maxwells_daemon_evidence";

describe.skipIf(!hasMariadb)("evidence in MariaDB", () => {
  test("an append waits for the one before it in the same log, so no smaller number comes later", async () => {
    const [log, other] = [freshLog(), freshLog()];
    const { evidence } = await open();
    await evidence?.append(log, ["first"], soon());
    const slow = await engine.client("suite");
    // Another append that has its number, and has not ended.
    await slow.query("START TRANSACTION");
    await slow.query("UPDATE maxwells_daemon_evidence_logs SET last = 2 WHERE application = ? AND log = ?", [
      log.application,
      log.key,
    ]);
    await slow.query("INSERT INTO maxwells_daemon_evidence VALUES (?, ?, 2, 'slow', UTC_TIMESTAMP(6))", [
      ...[log.application, log.key],
    ]);
    const append = evidence?.append(log, ["quick"], soon());
    const second = await open();
    await second.evidence?.append(other, ["of another log"], soon());
    const before = await second.evidence?.read(log, undefined, soon());
    expect(before?.batches).toEqual(["first"]);
    await slow.query("COMMIT");
    await slow.end();
    await append;
    const news = await second.evidence?.read(log, before?.cursor, soon());
    expect(news?.batches).toEqual(["slow", "quick"]);
    expect((await second.evidence?.read(log, news?.cursor, soon()))?.batches).toEqual([]);
  });

  test("each batch comes once, and many short ones come in several reads", async () => {
    const log = freshLog();
    await engine.sql(
      `INSERT INTO maxwells_daemon_evidence SELECT 'website', '${log.key}', seq, seq, UTC_TIMESTAMP(6) FROM seq_1_to_3000;
       INSERT INTO maxwells_daemon_evidence_logs VALUES ('website', '${log.key}', 3000, UTC_TIMESTAMP(6))`,
      "suite",
    );
    const { evidence } = await open();
    const seen: string[] = [];
    let reads = 0;
    let cursor: string | undefined;
    for (let hasMore = true; hasMore; reads++) {
      const news = await evidence?.read(log, cursor, soon());
      seen.push(...(news?.batches ?? []));
      cursor = news?.cursor;
      hasMore = news?.hasMore ?? false;
    }
    expect([seen.length, new Set(seen).size, reads]).toEqual([3_000, 3_000, 3]);
    await evidence?.append(log, ["next"], soon());
    expect((await evidence?.read(log, cursor, soon()))?.batches).toEqual(["next"]);
  });

  test("a log whose last batch is another one than the reader's is read from its beginning", async () => {
    const log = freshLog();
    const { evidence } = await open();
    await evidence?.append(log, ["kept", "lost"], soon());
    const { cursor } = (await evidence?.read(log, undefined, soon())) ?? {};
    // As after a fail-over: the number 2 is there again, and it is another batch.
    await engine.sql(
      `DELETE FROM maxwells_daemon_evidence WHERE application = 'website' AND log = '${log.key}' AND number = 2;
       UPDATE maxwells_daemon_evidence_logs SET last = 1 WHERE application = 'website' AND log = '${log.key}'`,
      "suite",
    );
    await evidence?.append(log, ["later", "latest"], soon());
    expect((await evidence?.read(log, cursor, soon()))?.batches).toEqual(["kept", "later", "latest"]);
  });

  test("old rows go when their release is over for a week, some at a time, and no others", async () => {
    const [old, running, busy] = [freshLog(), freshLog(), freshLog()];
    const aged = (key: string, rows: number, ageMs: number) =>
      `INSERT INTO maxwells_daemon_evidence
         SELECT 'website', '${key}', seq, seq, UTC_TIMESTAMP(6) - INTERVAL ${(2 * EVIDENCE_KEPT_MS) / 1000} SECOND FROM seq_1_to_${rows};
       INSERT INTO maxwells_daemon_evidence_logs
         VALUES ('website', '${key}', ${rows}, UTC_TIMESTAMP(6) - INTERVAL ${ageMs / 1000} SECOND);`;
    await engine.sql(
      `${aged(old.key, 200, EVIDENCE_KEPT_MS + 60_000)} ${aged(running.key, 200, EVIDENCE_KEPT_MS - 60_000)}`,
      "suite",
    );
    const left = async (key: string) =>
      Number(await engine.sql(`${ROWS} WHERE application = 'website' AND log = '${key}'`, "suite"));
    const { evidence } = await open();
    const seen: number[] = [];
    for (let call = 0; call < 6; call++) {
      await evidence?.append(busy, ["x"], soon());
      seen.push(await left(old.key));
    }
    expect(seen).toEqual([136, 72, 8, 0, 0, 0]);
    expect(await left(running.key)).toBe(200);
    expect(
      await engine.sql(
        `SELECT COUNT(*) FROM maxwells_daemon_evidence_logs WHERE application = 'website' AND log = '${old.key}'`,
        "suite",
      ),
    ).toBe("0");
  });

  test("old rows that another transaction holds stop no append", async () => {
    const [old, busy] = [freshLog(), freshLog()];
    const { evidence } = await open();
    await evidence?.append(old, ["old"], soon());
    await engine.sql(
      `UPDATE maxwells_daemon_evidence_logs SET written_at = '2020-01-01' WHERE application = 'website' AND log = '${old.key}'`,
      "suite",
    );
    const holder = await engine.client("suite");
    // Otherwise it also holds the places of other logs beside the row, and keys are random.
    await holder.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    await holder.query("START TRANSACTION");
    await holder.query(
      "SELECT * FROM maxwells_daemon_evidence WHERE application = ? AND log = ? FOR UPDATE",
      [old.application, old.key],
    );
    await evidence?.append(busy, ["one"], soon());
    expect((await evidence?.read(busy, undefined, soon()))?.batches).toEqual(["one"]);
    await holder.end();
    await evidence?.append(busy, ["two"], soon());
    expect((await evidence?.read(old, undefined, soon()))?.batches).toEqual([]);
  });

  test("tables of evidence that are locked leave the records as they are, and the append fails in time", async () => {
    const store = await open();
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const holder = await engine.client("suite");
    await holder.query("LOCK TABLES maxwells_daemon_evidence WRITE, maxwells_daemon_evidence_logs WRITE");
    try {
      const append = fails(store.evidence?.append(freshLog(), ["x"], soon()));
      for (let read = 0; read < 10; read++) {
        const startedAt = performance.now();
        expect((await store.read("website", soon())).size).toBe(1);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
      }
      expect(await append).toMatchObject({ code: "unavailable" });
    } finally {
      await holder.end();
    }
  });

  test("its connection is there after the first call, and closed after a minute without one", async () => {
    const due: (() => void)[] = [];
    const timers: Timers = {
      set: (callback) => due.push(callback),
      clear: (timer) => delete due[Number(timer) - 1],
    };
    const location = engine.address(ADMIN).replace(/^mariadb:/, "");
    const address = parseMariadbAddress("mariadb", location) as MariadbAddress;
    const options = { driver: mysql, address, environment: {}, statementTimeoutMs: 1_500 };
    const evidence = new MariadbEvidence(options, timers);
    opened.push(evidence);
    const connections = () =>
      engine.sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'admin'");
    await eventually(async () => (await connections()) === "0", "no connection of another test");
    const log = freshLog();
    for (let call = 0; call < 3; call++) {
      await Promise.all([evidence.append(log, ["x"], soon()), evidence.read(log, undefined, soon())]);
      expect(await connections()).toBe("1");
      expect(Object.keys(due).length).toBe(1);
      for (const callback of due.splice(0)) callback?.();
      await eventually(async () => (await connections()) === "0", "no connection");
    }
  });

  test("a batch that the table does not take is refused, and none of its call is kept", async () => {
    const log = freshLog();
    const { evidence } = await open();
    for (const bad of ["x".repeat(4_097), "é".repeat(2_049)]) {
      const error = await fails(evidence?.append(log, ["short", bad], soon()));
      expect(error).toMatchObject({ code: "refused" });
      expect(error.message).toContain("at most 4096 bytes");
    }
    expect((await evidence?.read(log, undefined, soon()))?.batches).toEqual([]);
    await evidence?.append(log, ["after"], soon());
    expect((await evidence?.read(log, undefined, soon()))?.batches).toEqual(["after"]);
  });

  test("without its table or its procedure the message says that init-store makes them", async () => {
    const store = await open();
    const log = freshLog();
    await engine.sql("DROP PROCEDURE maxwells_daemon_append; DROP TABLE maxwells_daemon_evidence", "suite");
    for (const work of [
      () => store.evidence?.append(log, ["one"], soon()),
      () => store.evidence?.read(log, undefined, soon()),
    ]) {
      const error = await fails(work());
      expect(error).toMatchObject({ code: "missing" });
      expect(error.message).toEndWith(`init-store -store mariadb://127.0.0.1:${engine.port}/suite`);
    }
    await store.init?.(soon());
    await store.evidence?.append(log, ["one"], soon());
    expect((await store.evidence?.read(log, undefined, soon()))?.batches).toEqual(["one"]);
  });
});
