import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { EVIDENCE_KEPT_MS, type EvidenceLog } from "../../../src/stores/evidence.ts";
import { openStore } from "../../../src/stores/list.ts";
import { parsePostgresAddress } from "../../../src/stores/postgres/address.ts";
import { PostgresEvidence } from "../../../src/stores/postgres/evidence.ts";
import type { Store } from "../../../src/stores/store.ts";
import type { Timers } from "../../../src/timers.ts";
import { eventually } from "../../support/eventually.ts";
import { ADMIN, hasPostgres, Postgres } from "../../support/postgres.ts";
import { fails, freshLog, soon } from "../../support/store-calls.ts";

const opened: { close(): unknown }[] = [];
let engine: Postgres;
let databases = 0;

beforeAll(async () => {
  if (!hasPostgres) return;
  engine = await Postgres.start();
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

async function open(database = "postgres"): Promise<Store> {
  const address = engine.address(ADMIN, engine.port, database);
  const store = await openStore(address, { table: "", region: "", environment: {}, warn: () => {} });
  opened.push(store);
  return store;
}

/** A reader that follows a log. */
async function follow(log: EvidenceLog) {
  const { evidence } = await open();
  let cursor: string | undefined;
  return {
    get cursor() {
      return cursor;
    },
    async next(): Promise<{ readonly batches: readonly string[]; readonly hasMore: boolean }> {
      const news = await evidence?.read(log, cursor, soon());
      cursor = news?.cursor;
      return { batches: news?.batches ?? [], hasMore: news?.hasMore ?? false };
    },
  };
}

const INSERT = "INSERT INTO maxwells_daemon_evidence (application, key, batch, written_at)";

describe.skipIf(!hasPostgres)("evidence in PostgreSQL", () => {
  test("a batch of a transaction that ends late is read, also behind batches that came after it", async () => {
    const log = freshLog();
    const { evidence } = await open();
    const reader = await follow(log);
    const slow = await engine.client();
    await slow.query("BEGIN");
    await slow.query(`${INSERT} VALUES ($1, $2, 'late', DEFAULT)`, [log.application, log.key]);
    await evidence?.append(log, ["quick"], soon());
    expect(await reader.next()).toEqual({ batches: ["quick"], hasMore: false });
    await evidence?.append(log, ["quicker"], soon());
    expect((await reader.next()).batches).toContain("quicker");
    await slow.query("COMMIT");
    await slow.end();
    expect((await reader.next()).batches).toContain("late");
    expect((await reader.next()).batches).toEqual([]);
  });

  test("a batch that ends late, between two pages of a long log, is read in the next pass", async () => {
    const log = freshLog();
    const { evidence } = await open();
    const reader = await follow(log);
    const slow = await engine.client();
    await slow.query("BEGIN");
    await slow.query(`${INSERT} VALUES ($1, $2, 'late', DEFAULT)`, [log.application, log.key]);
    for (let call = 0; call < 10; call++) {
      const batches = Array.from({ length: 16 }, (_, index) => `${call} ${index} `.padEnd(4_096, "x"));
      await evidence?.append(log, batches, soon());
    }
    expect((await reader.next()).hasMore).toBe(true);
    await slow.query("COMMIT");
    await slow.end();
    const seen: string[] = [];
    for (let pass = 0; pass < 2; pass++) {
      for (let hasMore = true; hasMore; ) {
        const news = await reader.next();
        seen.push(...news.batches);
        ({ hasMore } = news);
      }
    }
    expect(seen).toContain("late");
    expect((await reader.next()).batches).toEqual([]);
  });

  test("another program's transaction that lasts for hours makes no read a long one", async () => {
    const log = freshLog();
    const { evidence } = await open();
    const reader = await follow(log);
    const endless = await engine.client();
    await endless.query("BEGIN");
    await endless.query("SELECT txid_current()");
    try {
      await engine.psql(
        `${INSERT} SELECT '${log.application}', '${log.key}', n, clock_timestamp() - interval '2 minutes'
         FROM generate_series(1, 50) AS n`,
      );
      await evidence?.append(log, ["new"], soon());
      expect((await reader.next()).batches.length).toBe(51);
      expect((await reader.next()).batches).toEqual(["new"]);
    } finally {
      await endless.end();
    }
  });

  test("many short batches come in several reads", async () => {
    const log = freshLog();
    await engine.psql(
      `${INSERT} SELECT '${log.application}', '${log.key}', n, clock_timestamp() FROM generate_series(1, 3000) AS n`,
    );
    const reader = await follow(log);
    const seen = new Set<string>();
    let reads = 0;
    for (let hasMore = true; hasMore; reads++) {
      const news = await reader.next();
      for (const batch of news.batches) seen.add(batch);
      ({ hasMore } = news);
    }
    expect([seen.size, reads]).toEqual([3_000, 3]);
  });

  test("a server that was started again is read from the beginning, because it may be another one", async () => {
    const log = freshLog();
    const { evidence } = await open();
    const reader = await follow(log);
    await evidence?.append(log, ["one"], soon());
    await reader.next();
    expect((await reader.next()).batches).toEqual([]);
    await engine.halt();
    await engine.resume();
    let batches: readonly string[] = [];
    await eventually(async () => {
      ({ batches } = await reader.next().catch(() => ({ batches })));
      return batches.length > 0;
    }, "it is read again");
    expect(batches).toEqual(["one"]);
  }, 30_000);

  test.each(["before", "after"])(
    "old rows go when their release is over for a week, and none of a release that began %s it",
    async (order) => {
      const [old, running] = [freshLog(), freshLog()];
      const age = (log: EvidenceLog, rows: number, ms: number) =>
        `${INSERT} SELECT '${log.application}', '${log.key}', n, clock_timestamp() - interval '${ms} ms'
         FROM generate_series(1, ${rows}) AS n`;
      const ended = [age(old, 600, 2 * EVIDENCE_KEPT_MS), age(old, 1, EVIDENCE_KEPT_MS + 60_000)];
      const underWay = [age(running, 600, 2 * EVIDENCE_KEPT_MS), age(running, 1, EVIDENCE_KEPT_MS - 60_000)];
      const both = order === "before" ? [...underWay, ...ended] : [...ended, ...underWay];
      const table = "maxwells_daemon_evidence";
      const quietly = [
        `ALTER TABLE ${table} DISABLE TRIGGER clear`,
        ...both,
        `ALTER TABLE ${table} ENABLE TRIGGER clear`,
      ];
      await engine.psql([`TRUNCATE ${table}`, ...quietly].join(";"));
      const rows = async ({ key }: EvidenceLog) =>
        Number(await engine.psql(`SELECT count(*) FROM maxwells_daemon_evidence WHERE key = '${key}'`));
      const { evidence } = await open();
      const busy = freshLog();
      const append = () =>
        evidence?.append(
          busy,
          Array.from({ length: 16 }, () => "x"),
          soon(),
        );
      await eventually(async () => {
        await append();
        return (await rows(old)) === 0;
      }, "the old rows are gone");
      // The function runs some more times, and finds the oldest row of the other release.
      for (let call = 0; call < 64; call++) await append();
      expect(await rows(running)).toBe(601);
    },
    30_000,
  );

  test("a table of evidence that is locked leaves the records as they are, and the append fails in time", async () => {
    const store = await open();
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const holder = await engine.client();
    await holder.query("BEGIN; LOCK TABLE maxwells_daemon_evidence");
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
    const address = parsePostgresAddress(engine.address(ADMIN).replace(/^postgres:/, ""));
    if (typeof address === "string") throw new Error(address);
    const options = {
      driver: pg,
      address,
      environment: {},
      statementTimeoutMs: 1_500,
      onNoStatementTimeout() {},
    };
    const evidence = new PostgresEvidence(options, timers);
    opened.push(evidence);
    const connections = () =>
      engine.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'maxwells-daemon'");
    expect(await connections()).toBe("0");
    const log = freshLog();
    for (let call = 0; call < 3; call++) {
      await Promise.all([evidence.append(log, ["x"], soon()), evidence.read(log, undefined, soon())]);
      expect(await connections()).toBe("1");
      expect(Object.keys(due).length).toBe(1);
      for (const callback of due.splice(0)) callback?.();
      await eventually(async () => (await connections()) === "0", "no connection");
    }
  });

  test("an installation of 3.0 has no evidence until its owner runs init-store", async () => {
    const database = `older${++databases}`;
    await engine.psql(`CREATE DATABASE ${database}`);
    const store = await open(database);
    await store.init?.(soon());
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    await engine.psql(
      "DROP TABLE maxwells_daemon_evidence; DROP FUNCTION maxwells_daemon_evidence_clear",
      database,
    );
    const log = freshLog();
    for (const work of [
      () => store.evidence?.append(log, ["one"], soon()),
      () => store.evidence?.read(log, undefined, soon()),
    ]) {
      const error = await fails(work());
      expect(error).toMatchObject({ code: "missing" });
      expect(error.message).toContain("has no table maxwells_daemon_evidence that this user finds");
      expect(error.message).toEndWith(
        `maxwells-daemon init-store -store postgres://127.0.0.1:${engine.port}/${database}`,
      );
    }
    expect(await store.init?.(soon())).toEndWith("; maxwells_daemon_evidence was added, for releases");
    await store.evidence?.append(log, ["one"], soon());
    expect((await store.evidence?.read(log, undefined, soon()))?.batches).toEqual(["one"]);
    expect((await store.read("website", soon())).get("canary")?.value).toEqual({ rollout: 0.25 });
  });

  test("the function of an earlier program is replaced by its owner", async () => {
    const body = "SELECT prosrc FROM pg_proc WHERE proname = 'maxwells_daemon_evidence_clear'";
    const asMade = await engine.psql(body);
    await engine.psql(
      `CREATE OR REPLACE FUNCTION maxwells_daemon_evidence_clear() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN RETURN NULL; END $$`,
    );
    const store = await open();
    await store.init?.(soon());
    expect(await engine.psql(body)).toBe(asMade);
  });

  test("a batch that the table does not take is refused, and none of its call is kept", async () => {
    const log = freshLog();
    const { evidence } = await open();
    const error = await fails(evidence?.append(log, ["short", "x".repeat(4_097)], soon()));
    expect(error).toMatchObject({ code: "refused" });
    expect(error.message).toContain("at most 4096 bytes");
    expect((await evidence?.read(log, undefined, soon()))?.batches).toEqual([]);
  });
});
