/** Locks, silent writers, lost connections, and more than can be read quickly. */

import { describe, expect, test } from "bun:test";
import { Feed } from "../../../src/feed/feed.ts";
import { silentLog } from "../../../src/log/log.ts";
import { Metrics } from "../../../src/metrics.ts";
import { Rollout } from "../../../src/rollout.ts";
import { parseMariadbAddress } from "../../../src/stores/mariadb/address.ts";
import { engineOf } from "../../../src/stores/mariadb/client.ts";
import { Session } from "../../../src/stores/sql/session.ts";
import { type Snapshot, StoreError } from "../../../src/stores/store.ts";
import { eventually } from "../../support/eventually.ts";
import { hasMariadb } from "../../support/mariadb.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { rollouts, watchOf, within } from "../store-suite.ts";
import { OPERATOR, READER, useMariadb } from "./world.ts";

const world = useMariadb();

describe.skipIf(!hasMariadb)("failures", () => {
  test("a lock that is held makes reads and writes fail in time, and nothing piles up in the server", async () => {
    const database = await world.freshDatabase();
    const store = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const { revision = "" } = (await store.read("website", soon())).get("canary") ?? {};
    const holder = await world.engine.client(database);
    await holder.query("LOCK TABLES maxwells_daemon WRITE");
    try {
      const error = await within(4_000, fails(store.read("website", soon())));
      expect(error).toMatchObject({ code: "unavailable", message: expect.stringMatching(/1205|1969/) });
      await holder.query("UNLOCK TABLES");
      await holder.query("START TRANSACTION");
      await holder.query("UPDATE maxwells_daemon SET rollout = 0.3");
      const late = await within(
        4_000,
        fails(store.write?.("website", "canary", { rollout: 1 }, revision, soon())),
      );
      expect(late).toMatchObject({ code: "unavailable", message: expect.stringContaining("1205") });
      // A write to another application waits for the count.
      const other = await fails(store.write?.("shop", "canary", { rollout: 1 }, null, soon()));
      expect(other).toMatchObject({ code: "unavailable", message: expect.stringContaining("1205") });
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
      await holder.query("COMMIT");
    } finally {
      await holder.end();
    }
    const waiting = `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'ada' AND COMMAND <> 'Sleep'`;
    await eventually(async () => (await world.engine.sql(waiting)) === "0", "nothing waits");
    expect((await store.write?.("website", "canary", { rollout: 1 }, revision, soon()))?.ok).toBe(false);
    expect((await store.write?.("shop", "canary", { rollout: 1 }, null, soon()))?.ok).toBe(true);
  });

  test("settings of the server give no read a part of the rows, or a change that is not committed", async () => {
    const database = await world.freshDatabase();
    const writer = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    for (const version of ["blue", "canary"]) {
      await writer.write?.("website", version, { rollout: 0.25 }, null, soon());
    }
    await world.engine.sql(
      "SET GLOBAL tx_isolation = 'READ-UNCOMMITTED', GLOBAL sql_select_limit = 1, GLOBAL max_join_size = 1",
    );
    const holder = await world.engine.client(database);
    try {
      const store = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
      await holder.query("START TRANSACTION");
      await holder.query("UPDATE maxwells_daemon SET rollout = 1");
      const committed = { blue: 0.25, canary: 0.25 };
      expect(rollouts(await store.read("website", soon()))).toEqual(committed);
      const many = await store.readMany?.(["website", "shop"], soon());
      expect(rollouts(many?.get("website") as Snapshot)).toEqual(committed);
    } finally {
      await holder.end();
      await world.engine.sql(
        "SET GLOBAL tx_isolation = DEFAULT, GLOBAL sql_select_limit = DEFAULT, GLOBAL max_join_size = DEFAULT",
      );
    }
  });

  test("a writer that goes silent in the middle of a write stops the others for seconds only", async () => {
    const database = await world.freshDatabase();
    const store = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const address = parseMariadbAddress(
      "mariadb",
      world.engine.address(OPERATOR, world.engine.port, database).slice(8),
    );
    if (typeof address === "string") throw new Error(address);
    const { default: driver } = await import("mysql2");
    const silent = new Session(engineOf({ driver, address, environment: {}, statementTimeoutMs: 1_500 }));
    const over = new AbortController();
    let isHolding = false;
    const held = silent.run(60_000, over.signal, async (ask) => {
      await ask("START TRANSACTION");
      await ask("UPDATE maxwells_daemon SET rollout = 1");
      isHolding = true;
      await new Promise((resolve) => over.signal.addEventListener("abort", resolve));
    });
    held.catch(() => {});
    try {
      await eventually(() => isHolding, "the row is held");
      const write = () => store.write?.("shop", "canary", { rollout: 0 }, null, soon());
      await eventually(
        () =>
          write()
            ?.then(({ ok }) => ok)
            .catch(() => false) ?? false,
        "the next one writes",
      );
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    } finally {
      over.abort();
      await silent.close();
    }
  }, 30_000);

  test("a write that the server takes back in a deadlock is tried again, three times in all", async () => {
    const database = await world.freshDatabase();
    const store = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
    const deadlocks = (times: number) =>
      world.engine.sql(
        `CREATE OR REPLACE TRIGGER deadlock BEFORE INSERT ON maxwells_daemon FOR EACH ROW
         BEGIN
           SET @met = COALESCE(@met, 0) + 1;
           IF @met <= ${times} THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF;
         END`,
        database,
      );
    await deadlocks(2);
    expect((await store.write?.("twice", "canary", { rollout: 0.5 }, null, soon()))?.ok).toBe(true);
    expect((await store.history?.("twice", 5, soon()))?.length).toBe(1);
    await deadlocks(100);
    const error = await fails(store.write?.("always", "canary", { rollout: 0.5 }, null, soon()));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("1213") });
    expect(await store.read("always", soon())).toEqual(new Map());
  });

  test("a connection that is killed is made again, and no change is missed", async () => {
    const database = await world.freshDatabase();
    const store = await world.openAt(world.engine.address(READER, world.engine.port, database));
    const push = watchOf(store, "killed");
    await eventually(() => push.count > 0, "the watch is ready");
    await store.read("killed", soon());
    const ids = await world.engine.sql(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'maxwells_daemon'",
    );
    const { count } = push;
    for (const id of ids.split("\n")) await world.engine.sql(`KILL ${id}`);
    await world.engine.sql("INSERT INTO maxwells_daemon VALUES ('killed', 'canary', 0.5, '{}', 0)", database);
    await eventually(() => push.count > count, "a nudge");
    push.end();
    const read = () => store.read("killed", soon()).then(rollouts, () => undefined);
    await eventually(async () => (await read())?.["canary"] === 0.5, "the change is read");
  });

  test("a server without room for connections is unavailable", async () => {
    await world.engine.sql("ALTER USER ada WITH MAX_USER_CONNECTIONS 1");
    try {
      const database = await world.freshDatabase();
      const first = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
      await first.read("website", soon());
      const second = await world.openAt(world.engine.address(OPERATOR, world.engine.port, database));
      const error = await fails(second.read("website", soon()));
      expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("1226") });
    } finally {
      await world.engine.sql("ALTER USER ada WITH MAX_USER_CONNECTIONS 0");
    }
  });

  test("no secret and no text of the server is in any error", async () => {
    const database = await world.freshDatabase();
    const errors = [];
    for (const mode of ["refuse", "reset", "swallow", "cut", "garbage"] as const) {
      await world.faults.enter(mode);
      const store = await world.openAt(world.engine.address(READER, world.faults.port, database));
      errors.push(await fails(store.read("x", soon())));
    }
    await world.faults.enter("pass");
    const reader = await world.openAt(world.engine.address(READER, world.faults.port, database));
    errors.push(await fails(reader.write?.("x", "y", { rollout: 1 }, null, soon())));
    const stranger = await world.openAt(
      world.engine.address({ ...READER, user: "who" }, world.engine.port, database),
    );
    errors.push(await fails(stranger.read("x", soon())));
    const secrets = [READER, OPERATOR].flatMap(({ password }) => [password, encodeURIComponent(password)]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(StoreError);
      const shown = `${error.message} ${Bun.inspect(error)} ${Bun.inspect(error.cause)} ${JSON.stringify(error)}`;
      for (const secret of secrets) expect(shown).not.toContain(secret);
      expect(shown).not.toMatch(/command denied|Access denied|using password/);
    }
    const shown = `${Bun.inspect(reader, { depth: 12 })} ${JSON.stringify(world.warnings)}`;
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });

  test("more records than can be read quickly are refused by name, also in a table without limits", async () => {
    const database = await world.freshDatabase();
    await world.engine.sql(
      `ALTER TABLE maxwells_daemon DROP CONSTRAINT \`fields has at most 65536 bytes\`;
       INSERT INTO maxwells_daemon VALUES ('big', 'canary', 0.5, CONCAT('{"padding": "', REPEAT('x', 1100000), '"}'), 0);
       INSERT INTO maxwells_daemon SELECT 'many', CONCAT('v', seq), 0.5, CONCAT('{"padding": "', REPEAT('x', 60000), '"}'), 0 FROM seq_1_to_20`,
      database,
    );
    const store = await world.openAt(world.engine.address(READER, world.engine.port, database));
    const many = await store.readMany?.(["big", "many", "website"], soon());
    for (const application of ["big", "many"]) {
      expect(await fails(store.read(application, soon()))).toMatchObject({
        code: "malformed",
        message: expect.stringContaining(`${application} has more than 1048576 bytes of records`),
      });
      expect(many?.get(application)).toMatchObject({
        code: "malformed",
        message: expect.stringContaining(`${application} has more than 163840 bytes of records`),
      });
    }
    expect(many?.get("website")).toEqual(new Map());
    expect(await store.read("website", soon())).toEqual(new Map());
  });

  test("a flood of changes is a few reads, and many applications share two connections", async () => {
    const database = await world.freshDatabase();
    const names = Array.from({ length: 50 }, (_, index) => `app${index}`);
    const store = await world.openAt(world.engine.address(READER, world.faults.port, database));
    const rollout = new Rollout(names, 60_000);
    const metrics = new Metrics(rollout.placements);
    const feed = new Feed({ store, rollout, metrics, delayMs: 60_000, log: silentLog });
    feed.start();
    try {
      await eventually(() => feed.isReady && world.faults.open === 2, "all are read");
      await world.engine.sql(
        `INSERT INTO maxwells_daemon SELECT CONCAT('app', seq % 50), CONCAT('v', seq DIV 50), 0.01, '{}', 0 FROM seq_0_to_2999`,
        database,
      );
      await eventually(
        () => names.every((name) => rollout.table(name)?.arcs.length === 60),
        "all have changed",
      );
      expect(world.faults.open).toBe(2);
    } finally {
      await feed.close();
    }
  });

  test("a closed store leaves no connection behind", async () => {
    const store = await world.openAt(world.engine.address(READER, world.faults.port));
    const push = watchOf(store, "closed");
    await store.read("closed", soon());
    await eventually(() => push.count > 0, "the watch is ready");
    expect(world.faults.open).toBe(2);
    await within(1_000, store.close());
    await eventually(() => world.faults.open === 0, "no connections");
  });
});
