import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { Feed } from "../../src/feed/feed.ts";
import { ownUserName } from "../../src/files/user-name.ts";
import { silentLog } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import { checkRecord } from "../../src/records/check.ts";
import { Rollout } from "../../src/rollout.ts";
import type { EvidenceLog } from "../../src/stores/evidence.ts";
import { openStore } from "../../src/stores/list.ts";
import {
  type MariadbAddress,
  parseMariadbAddress,
  passwordOf,
  userOf,
} from "../../src/stores/mariadb/address.ts";
import { engineOf } from "../../src/stores/mariadb/client.ts";
import { mariadb as kind } from "../../src/stores/mariadb.ts";
import { Session } from "../../src/stores/sql/session.ts";
import { type Snapshot, type Store, StoreError } from "../../src/stores/store.ts";
import { run } from "../cli/run.ts";
import { eventually } from "../support/eventually.ts";
import { ADMIN, hasMariadb, Mariadb } from "../support/mariadb.ts";
import { messageOf } from "../support/reason-of.ts";
import { fails, soon } from "../support/store-calls.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { rollouts, storeSuite, watchOf, within } from "./store-suite.ts";

const ROOT = join(import.meta.dir, "../..");
const READER = { user: "maxwells_daemon", password: "reader-secret/@" } as const;
const OPERATOR = { user: "ada", password: "operator-secret" } as const;
const CONTROLLER = { user: "maxwells_daemon_controller", password: "controller-secret" } as const;
const USERS = [READER, OPERATOR, CONTROLLER];

let engine: Mariadb;
let faults: TcpFaults;
let databases = 0;
const warnings: string[] = [];
const opened: Store[] = [];

beforeAll(async () => {
  if (!hasMariadb) return;
  engine = await Mariadb.start();
  faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
  await engine.sql("CREATE DATABASE suite");
  await initialise("suite");
  // As in a table made by hand: what is malformed has to be survived, too.
  await engine.sql(
    "ALTER TABLE maxwells_daemon DROP CONSTRAINT `rollout is from 0 to 1, as 0.05 for 5 %`, MODIFY rollout DOUBLE NULL",
    "suite",
  );
}, 60_000);

afterEach(async () => {
  await faults?.enter("pass");
  for (const store of opened.splice(0)) await store.close();
  warnings.length = 0;
});

afterAll(async () => {
  await faults?.stop();
  await engine?.stop();
});

/** Makes the table as the administrator, and the users and rights as the page has them. */
async function initialise(database: string): Promise<void> {
  if (database === "suite") {
    await engine.sql(`CREATE USER admin IDENTIFIED BY '${ADMIN.password}'`);
  }
  await engine.sql(`GRANT ALL ON ${database}.* TO admin`);
  const store = await openAt(engine.address(ADMIN, engine.port, database));
  await store.init?.(soon());
  await store.close();
  await engine.sql(await pageSql(database), database);
}

/** The permissions of `docs/stores/mariadb.md`. Users belong to the whole server, so they are made once. */
async function pageSql(database: string): Promise<string> {
  const page = await Bun.file(join(ROOT, "docs/stores/mariadb.md")).text();
  const [, sql = ""] = /```sql\n(CREATE USER[\s\S]*?)```/.exec(page) ?? [];
  const filled = USERS.reduce((text, { user, password }) => {
    const place = `CREATE USER ${user} IDENTIFIED BY '`;
    expect(text).toContain(`${place}CHANGE'`);
    return text.replace(`${place}CHANGE'`, `${place}${password}'`);
  }, sql);
  return database === "suite" ? filled : filled.replace(/^CREATE (USER|ROLE).*$/gm, "");
}

/** A database of its own, with the table. */
async function freshDatabase(): Promise<string> {
  const name = `fresh${++databases}`;
  await engine.sql(`CREATE DATABASE ${name}`);
  await initialise(name);
  return name;
}

async function openAt(address: string): Promise<Store> {
  const store = await openStore(address, {
    table: "",
    region: "",
    environment: {},
    warn: (message) => warnings.push(message),
  });
  opened.push(store);
  return store;
}

/** Makes these the application's records, by hand: only records that differ are touched. */
async function seed(application: string, records: Readonly<Record<string, unknown>>): Promise<void> {
  await seedMany([application], records);
}

async function seedMany(
  applications: readonly string[],
  records: Readonly<Record<string, unknown>>,
): Promise<void> {
  const rows = Object.entries(records).map(([version, value]) => {
    const fields = typeof value === "object" && value !== null ? { ...value } : { rollout: value };
    const { rollout, ...others } = fields as { rollout?: unknown };
    return typeof rollout === "number"
      ? { version, rollout, fields: JSON.stringify(others) }
      : { version, rollout: null, fields: JSON.stringify(fields) };
  });
  const client = await engine.client("suite");
  try {
    await client.query("START TRANSACTION");
    const gone = rows.length === 0 ? "" : "AND version NOT IN (?)";
    await client.query(`DELETE FROM maxwells_daemon WHERE application IN (?) ${gone}`, [
      applications,
      rows.map(({ version }) => version),
    ]);
    for (const { version, rollout, fields } of rows) {
      const there = await client.query<never>(
        "SELECT application, rollout <=> ? AND fields = ? AS is_same FROM maxwells_daemon WHERE application IN (?) AND version = ?",
        [rollout, fields, applications, version],
      );
      const found = new Map(
        (there[0] as { application: string; is_same: number }[]).map((row) => [row.application, row.is_same]),
      );
      const made = applications.filter((application) => !found.has(application));
      const changed = applications.filter((application) => found.get(application) === 0);
      if (made.length > 0) {
        await client.query("INSERT INTO maxwells_daemon (application, version, rollout, fields) VALUES ?", [
          made.map((application) => [application, version, rollout, fields]),
        ]);
      }
      if (changed.length > 0) {
        await client.query(
          "UPDATE maxwells_daemon SET rollout = ?, fields = ? WHERE application IN (?) AND version = ?",
          [rollout, fields, changed, version],
        );
      }
    }
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

/** For each daemon of a fleet of three that all lead; `docs/stores/mariadb.md` has the figures. */
const HOUR_MAX = { rows: 900, text: 600_000 };

/** The cost of the evidence in a MariaDB, by itself: rows, and bytes of text. */
async function costs(): Promise<Record<string, number>> {
  const found = await engine.sql(
    "SELECT COUNT(*), COALESCE(SUM(OCTET_LENGTH(batch)), 0) FROM maxwells_daemon_evidence",
    "suite",
  );
  const [rows, text] = found.split("|").map(Number);
  return { rows: rows ?? 0, text: text ?? 0 };
}

describe.skipIf(!hasMariadb)("as every store", () => {
  let isHalted = false;
  let isSpoilt = false;
  let restored: Mariadb | undefined;
  const startAs = (user: typeof OPERATOR | typeof CONTROLLER) => async () => ({
    open: () =>
      openStore(engine.address(user, faults.port), {
        table: "",
        region: "",
        environment: {},
        warn: () => {},
      }),
    faults,
    forDaemon: { address: engine.address(READER, faults.port) },
    seed,
    seedMany,
    async spoilOne(application: string) {
      const padding = JSON.stringify({ padding: "x".repeat(60_000) });
      for (const version of ["v1", "v2", "v3"]) {
        await engine.sql(
          `INSERT INTO maxwells_daemon VALUES ('${application}', '${version}', 0.001, '${padding}', 0)`,
          "suite",
        );
      }
    },
    async denied() {
      const secret = "not-the-password";
      const address = engine.address({ ...OPERATOR, password: secret }, faults.port);
      return { store: await openAt(address), secret };
    },
    async leave() {
      isHalted = true;
      await engine.halt();
    },
    async spoil() {
      isSpoilt = true;
      await engine.sql("ALTER TABLE maxwells_daemon RENAME COLUMN version TO other", "suite");
    },
    async restart() {
      await engine.halt();
      await engine.resume();
    },
    // Each call looks at the log whose last batch is the oldest.
    age: async ({ application, key }: EvidenceLog) => {
      const isLog = `application = '${application}' AND log = '${key}'`;
      const leftAt = async (age: string) => {
        await engine.sql(
          `UPDATE maxwells_daemon_evidence_logs SET written_at = UTC_TIMESTAMP(6) - INTERVAL ${age} WHERE ${isLog};
           CALL maxwells_daemon_append('young', '0123456789abcdef01234567', '["x"]')`,
          "suite",
        );
        return engine.sql(`SELECT COUNT(*) > 0 FROM maxwells_daemon_evidence WHERE ${isLog}`, "suite");
      };
      expect([await leftAt("'6 23' DAY_HOUR"), await leftAt("604801 SECOND")]).toEqual(["1", "0"]);
    },
    meter: { read: costs, hourMax: HOUR_MAX },
    hang: () => faults.enter("swallow"),
    async backUp() {
      await restored?.stop();
      restored = await Mariadb.start({ copyOf: engine });
    },
    async failOver(state: "empty" | "older") {
      if (state === "empty") {
        await restored?.sql(
          ["", "_changes", "_evidence", "_evidence_logs"]
            .map((name) => `TRUNCATE maxwells_daemon${name};`)
            .join(""),
          "suite",
        );
      }
      faults.failOver({ host: "127.0.0.1", port: restored?.port ?? 0 });
    },
    async recover() {
      await faults.enter("pass");
      if (faults.upstream.port !== engine.port) faults.failOver({ host: "127.0.0.1", port: engine.port });
      if (isHalted) await engine.resume();
      isHalted = false;
      if (isSpoilt) await engine.sql("ALTER TABLE maxwells_daemon RENAME COLUMN other TO version", "suite");
      isSpoilt = false;
    },
    close: async () => restored?.stop(),
  });
  storeSuite("mariadb", startAs(OPERATOR), {
    "an older state counts at once if the engine counts no writes": "the table counts all writes",
  });
  evidenceSuite("mariadb", startAs(CONTROLLER), {
    "a watch is nudged soon after an append": "MariaDB pushes nothing",
  });
});

describe("addresses", () => {
  test("what is wrong with one is said with its remedy, and never with its secret", () => {
    for (const [location, remedy] of [
      ["", "mariadb://USER:PASSWORD@HOST/DATABASE"],
      ["//db.internal", "name the database"],
      ["//db.internal/", "name the database"],
      ["///website", "?socket=/run/mysqld/mysqld.sock"],
      ["///website?socket=mysqld.sock", "begins with /"],
      ["//one,two/website", "name one host"],
      ["//ada:pa/ss@db.internal/website", "%2F for /"],
      ["//ada:12/hunter@db.internal", "/ as %2F"],
      ["//ada:hunter%2@db.internal/website", "%25"],
      ["//db.internal/website?ssl-mode=preferred", "disabled, required, verify_ca, verify_identity"],
      ["///website?socket=/run/x&ssl-mode=required", "leave ssl-mode out"],
      ["//db.internal/website?password=hunter2", "ssl-mode"],
      ["/website", "mariadb://"],
    ] as const) {
      const problem = kind.check(location) ?? "nothing is wrong";
      expect([location, problem]).toEqual([location, expect.stringContaining(remedy)]);
      expect(problem).not.toMatch(/hunter|pa\/ss/);
    }
    for (const location of [
      "//db.internal/website",
      "//ada:p%40ss@[::1]:3307/website?ssl-mode=DISABLED",
      "///website?socket=/run/mysqld/mysqld.sock",
      "//db.internal/website?ssl-mode=verify_identity&ssl-ca=/etc/ca.pem",
    ]) {
      expect(kind.check(location)).toBeUndefined();
    }
  });

  test("shown are host and database, and no user, in the scheme in which it was written", async () => {
    const shown = async (address: string) => (await openAt(address)).address;
    expect(await shown("mariadb://ada:hunter2@db.internal:3307/website?ssl-key=/k")).toBe(
      "mariadb://db.internal:3307/website",
    );
    expect(await shown("mysql://ada@[::1]/website")).toBe("mysql://[::1]/website");
    expect(await shown("mariadb:///website?socket=/run/x")).toBe("mariadb:///website?socket=/run/x");
  });

  test("the network is trusted on this machine only", () => {
    const modeOf = (location: string) => (parseMariadbAddress("mariadb", location) as MariadbAddress).sslMode;
    for (const host of ["localhost", "127.0.0.1", "[::1]"]) expect(modeOf(`//${host}/x`)).toBe("disable");
    expect(modeOf("///x?socket=/run/s")).toBe("disable");
    for (const host of ["db.internal", "10.0.0.1", "localhost.example"])
      expect(modeOf(`//${host}/x`)).toBe("verify-full");
  });

  test("the address comes before the environment", () => {
    const of = (location: string) => parseMariadbAddress("mariadb", location) as MariadbAddress;
    const environment = { MYSQL_PWD: "secret" };
    expect(passwordOf(of("//bob:key@db/x"), environment)).toBe("key");
    expect(passwordOf(of("//bob@db/x"), environment)).toBe("secret");
    expect(passwordOf(of("//bob@db/x"), {})).toBe("");
    expect([userOf(of("//bob@db/x")), userOf(of("//db/x"))]).toEqual(["bob", ownUserName()]);
  });
});

describe.skipIf(!hasMariadb)("operators with SQL", () => {
  let database: string;
  let store: Store;
  beforeAll(async () => {
    database = await freshDatabase();
  }, 30_000);

  /** The login of an operator. */
  const sql = (text: string) => engine.sql(text, database, OPERATOR);
  const open = async () => {
    store = await openAt(engine.address(OPERATOR, engine.port, database));
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
    await engine.sql(
      `UPDATE maxwells_daemon SET fields = '{"why": "two"}' WHERE application = 'count';
       DROP TRIGGER maxwells_daemon_count_update`,
      database,
    );
    await engine.sql(
      `UPDATE maxwells_daemon SET revision = ${before?.position} WHERE application = 'count'`,
      database,
    );
    const owner = await openAt(engine.address(ADMIN, engine.port, database));
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
    const place = ["-store", engine.address(OPERATOR, engine.port, database), "-application", "seen"];
    const as = (USER: string, ...words: string[]) => run([...words, ...place], { USER });
    await as("ada", "set", "canary", "10%", "-new");
    await as("grace", "set", "canary", "20%");
    await engine.sql("UPDATE maxwells_daemon SET rollout = 0.3 WHERE application = 'seen'", database);
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
    await engine.sql(
      `ALTER TABLE maxwells_daemon DROP CONSTRAINT \`fields is a JSON object\`;
       INSERT INTO maxwells_daemon VALUES ('odd', 'empty', NULL, '{}', 0), ('odd', 'five', 5, '{}', 0), ('odd', 'good', 0.1, '{}', 0),
         ('odd', 'list', 0.5, '[1]', 0), ('odd', 'null', 0.5, 'null', 0), ('odd', 'word', 0.5, 'soon', 0),
         ('odd', 'far', 0.5, '{"offset": 1e400}', 0);`,
      "suite",
    );
    const suite = await openAt(engine.address(OPERATOR));
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
    await engine.sql("UPDATE maxwells_daemon_changes SET revision = 1 WHERE application = ''", database);
    await sql("UPDATE maxwells_daemon SET rollout = 0.2 WHERE application = 'grows'");
    expect(await position()).toBe(second + 1);
  });
});

describe.skipIf(!hasMariadb)("permissions", () => {
  let database: string;
  beforeAll(async () => {
    database = await freshDatabase();
  }, 30_000);

  const refused = async (text: string, login: { user: string; password: string }) =>
    expect([text, await messageOf(engine.sql(text, database, login))]).toEqual([
      text,
      expect.stringMatching(/denied/),
    ]);

  test("the daemon's user reads and notices changes, and can do nothing else", async () => {
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
    await operator.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const store = await openAt(engine.address(READER, engine.port, database));
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
    expect(warnings).toEqual([]);
  });

  test("a daemon that may not see the changes says so once, and is nudged by nothing", async () => {
    await engine.sql("REVOKE SELECT ON maxwells_daemon_changes FROM maxwells_daemon", database);
    const store = await openAt(engine.address(READER, engine.port, database));
    const pushes = ["website", "other"].map((name) => watchOf(store, name));
    await eventually(() => warnings.length > 0, "a warning");
    expect(warnings).toEqual([expect.stringContaining("grant SELECT on maxwells_daemon_changes")]);
    for (const push of pushes) push.end();
    await engine.sql("GRANT SELECT ON maxwells_daemon_changes TO maxwells_daemon", database);
  });

  test("a daemon without any table is told to make it, and not to get a right", async () => {
    await engine.sql("CREATE DATABASE tableless; GRANT SELECT ON tableless.* TO maxwells_daemon");
    const store = await openAt(engine.address(READER, engine.port, "tableless"));
    const push = watchOf(store, "website");
    await eventually(() => warnings.length > 0, "a warning");
    expect(warnings).toEqual([
      expect.stringContaining("maxwells_daemon_changes with maxwells-daemon init-store"),
    ]);
    push.end();
  });

  test("a controller writes records and evidence, reads both, and can do nothing else", async () => {
    const log = { application: "website", key: "0123456789abcdef01234567" };
    const store = await openAt(engine.address(CONTROLLER, engine.port, database));
    const release = (seq: number) => ({ rollout: 0.01 * seq, release: { seq } });
    const created = await store.write?.("led", "canary", release(1), null, soon());
    const revision = created?.ok ? created.revision : "";
    expect((await store.write?.("led", "canary", release(2), revision, soon()))?.ok).toBe(true);
    await store.evidence?.append(log, ["told"], soon());
    expect((await store.evidence?.read(log, undefined, soon()))?.batches).toEqual(["told"]);
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
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
    const page = await Bun.file(join(ROOT, "docs/stores/mariadb.md")).text();
    const [grant = ""] = /GRANT EXECUTE ON PROCEDURE \S+ TO maxwells_daemon;/.exec(page) ?? [];
    await engine.sql(grant, database);
    const store = await openAt(engine.address(READER, engine.port, database));
    await store.evidence?.append(log, ["x"], soon());
    expect(await fails(store.evidence?.read(log, undefined, soon()))).toMatchObject({ code: "denied" });
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
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
    const database = await freshDatabase();
    const body = `SELECT ACTION_STATEMENT FROM information_schema.TRIGGERS
      WHERE TRIGGER_SCHEMA = '${database}' AND TRIGGER_NAME = 'maxwells_daemon_update'`;
    const asMade = await engine.sql(body);
    await engine.sql(
      `CREATE OR REPLACE DEFINER = admin TRIGGER maxwells_daemon_update AFTER UPDATE ON maxwells_daemon
       FOR EACH ROW SET @nothing = 1`,
      database,
    );
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
    expect(await operator.init?.(soon())).toBe("the table maxwells_daemon is there");
    expect(await engine.sql(body)).not.toBe(asMade);
    const owner = await openAt(engine.address(ADMIN, engine.port, database));
    expect(await owner.init?.(soon())).toContain("with triggers as this program makes them");
    expect(await engine.sql(body)).toBe(asMade);
  });

  test("of several that make it at once one does, also after one that did not get done", async () => {
    await engine.sql(
      "CREATE DATABASE `many``makers`; GRANT ALL ON `many``makers`.* TO admin; CREATE TABLE `many``makers`.maxwells_daemon_unfinished (a INT)",
    );
    const address = engine.address(ADMIN, engine.port, encodeURIComponent("many`makers"));
    const stores = await Promise.all(Array.from({ length: 6 }, () => openAt(address)));
    const done = await Promise.all(stores.map((store) => store.init?.(soon())));
    expect(done.filter((sentence) => sentence?.includes("were made")).length).toBe(1);
    const [store] = stores;
    expect((await store?.write?.("website", "canary", { rollout: 0.5 }, null, soon()))?.ok).toBe(true);
    expect((await store?.history?.("website", 5, soon()))?.length).toBe(1);
    expect(await engine.sql("SHOW TABLES LIKE '%unfinished'", "many`makers")).toBe("");
  });

  test("without a table, a database or the right to make it, the message says what to do", async () => {
    await engine.sql("CREATE DATABASE bare; GRANT SELECT ON bare.* TO ada");
    const store = await openAt(engine.address(OPERATOR, engine.port, "bare"));
    const missing = await fails(store.read("website", soon()));
    expect(missing).toMatchObject({ code: "missing" });
    expect(missing.message).toContain(`init-store -store mariadb://127.0.0.1:${engine.port}/bare`);
    expect(await fails(store.init?.(soon()))).toMatchObject({ code: "denied" });
    expect(
      await fails(store.evidence?.read({ application: "a", key: "b" }, undefined, soon())),
    ).toMatchObject({
      code: "missing",
    });
    const nowhere = await openAt(engine.address(ADMIN, engine.port, "nowhere"));
    expect((await fails(nowhere.read("website", soon()))).code).toMatch(/missing|denied/);
    const stranger = await openAt(engine.address(READER, engine.port, "nowhere"));
    expect(await fails(stranger.read("website", soon()))).toMatchObject({
      code: "denied",
      message: expect.stringContaining("or has none of this name (1044); correct the name in the address"),
    });
    const silent = await openAt(`mariadb://${OPERATOR.user}@127.0.0.1:${engine.port}/bare`);
    const asked = await fails(silent.read("website", soon()));
    expect(asked).toMatchObject({ code: "denied", message: expect.stringContaining("MYSQL_PWD") });
  });

  test("another program's table is malformed, and init leaves it as it is", async () => {
    await engine.sql(
      "CREATE DATABASE others; GRANT ALL ON others.* TO admin; CREATE TABLE others.maxwells_daemon (id INT)",
    );
    const store = await openAt(engine.address(ADMIN, engine.port, "others"));
    expect(await store.init?.(soon())).toBe("the table maxwells_daemon is there");
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    expect(await engine.sql("SHOW TABLES", "others")).toBe("maxwells_daemon");
  });

  test("without the user that made it, each write is refused with its reason", async () => {
    await engine.sql(
      "CREATE USER maker IDENTIFIED BY 'maker-secret'; CREATE DATABASE made; GRANT ALL ON made.* TO maker",
    );
    const maker = await openAt(
      engine.address({ user: "maker", password: "maker-secret" }, engine.port, "made"),
    );
    await maker.init?.(soon());
    await engine.sql("GRANT ALL ON made.* TO admin; DROP USER maker");
    const store = await openAt(engine.address(ADMIN, engine.port, "made"));
    const error = await fails(store.write?.("website", "canary", { rollout: 0.5 }, null, soon()));
    expect(error).toMatchObject({
      code: "malformed",
      message: expect.stringContaining("make that user again"),
    });
    expect(await store.read("website", soon())).toEqual(new Map());
  });
});

describe.skipIf(!hasMariadb)("failures", () => {
  test("a lock that is held makes reads and writes fail in time, and nothing piles up in the server", async () => {
    const database = await freshDatabase();
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const { revision = "" } = (await store.read("website", soon())).get("canary") ?? {};
    const holder = await engine.client(database);
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
    await eventually(async () => (await engine.sql(waiting)) === "0", "nothing waits");
    expect((await store.write?.("website", "canary", { rollout: 1 }, revision, soon()))?.ok).toBe(false);
    expect((await store.write?.("shop", "canary", { rollout: 1 }, null, soon()))?.ok).toBe(true);
  });

  test("settings of the server give no read a part of the rows, or a change that is not committed", async () => {
    const database = await freshDatabase();
    const writer = await openAt(engine.address(OPERATOR, engine.port, database));
    for (const version of ["blue", "canary"]) {
      await writer.write?.("website", version, { rollout: 0.25 }, null, soon());
    }
    await engine.sql(
      "SET GLOBAL tx_isolation = 'READ-UNCOMMITTED', GLOBAL sql_select_limit = 1, GLOBAL max_join_size = 1",
    );
    const holder = await engine.client(database);
    try {
      const store = await openAt(engine.address(OPERATOR, engine.port, database));
      await holder.query("START TRANSACTION");
      await holder.query("UPDATE maxwells_daemon SET rollout = 1");
      const committed = { blue: 0.25, canary: 0.25 };
      expect(rollouts(await store.read("website", soon()))).toEqual(committed);
      const many = await store.readMany?.(["website", "shop"], soon());
      expect(rollouts(many?.get("website") as Snapshot)).toEqual(committed);
    } finally {
      await holder.end();
      await engine.sql(
        "SET GLOBAL tx_isolation = DEFAULT, GLOBAL sql_select_limit = DEFAULT, GLOBAL max_join_size = DEFAULT",
      );
    }
  });

  test("a writer that goes silent in the middle of a write stops the others for seconds only", async () => {
    const database = await freshDatabase();
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const address = parseMariadbAddress("mariadb", engine.address(OPERATOR, engine.port, database).slice(8));
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
    const database = await freshDatabase();
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    const deadlocks = (times: number) =>
      engine.sql(
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
    const database = await freshDatabase();
    const store = await openAt(engine.address(READER, engine.port, database));
    const push = watchOf(store, "killed");
    await eventually(() => push.count > 0, "the watch is ready");
    await store.read("killed", soon());
    const ids = await engine.sql(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'maxwells_daemon'",
    );
    const { count } = push;
    for (const id of ids.split("\n")) await engine.sql(`KILL ${id}`);
    await engine.sql("INSERT INTO maxwells_daemon VALUES ('killed', 'canary', 0.5, '{}', 0)", database);
    await eventually(() => push.count > count, "a nudge");
    push.end();
    const read = () => store.read("killed", soon()).then(rollouts, () => undefined);
    await eventually(async () => (await read())?.["canary"] === 0.5, "the change is read");
  });

  test("a server without room for connections is unavailable", async () => {
    await engine.sql("ALTER USER ada WITH MAX_USER_CONNECTIONS 1");
    try {
      const database = await freshDatabase();
      const first = await openAt(engine.address(OPERATOR, engine.port, database));
      await first.read("website", soon());
      const second = await openAt(engine.address(OPERATOR, engine.port, database));
      const error = await fails(second.read("website", soon()));
      expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("1226") });
    } finally {
      await engine.sql("ALTER USER ada WITH MAX_USER_CONNECTIONS 0");
    }
  });

  test("no secret and no text of the server is in any error", async () => {
    const database = await freshDatabase();
    const errors = [];
    for (const mode of ["refuse", "reset", "swallow", "cut", "garbage"] as const) {
      await faults.enter(mode);
      const store = await openAt(engine.address(READER, faults.port, database));
      errors.push(await fails(store.read("x", soon())));
    }
    await faults.enter("pass");
    const reader = await openAt(engine.address(READER, faults.port, database));
    errors.push(await fails(reader.write?.("x", "y", { rollout: 1 }, null, soon())));
    const stranger = await openAt(engine.address({ ...READER, user: "who" }, engine.port, database));
    errors.push(await fails(stranger.read("x", soon())));
    const secrets = USERS.flatMap(({ password }) => [password, encodeURIComponent(password)]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(StoreError);
      const shown = `${error.message} ${Bun.inspect(error)} ${Bun.inspect(error.cause)} ${JSON.stringify(error)}`;
      for (const secret of secrets) expect(shown).not.toContain(secret);
      expect(shown).not.toMatch(/command denied|Access denied|using password/);
    }
    const shown = `${Bun.inspect(reader, { depth: 12 })} ${JSON.stringify(warnings)}`;
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });

  test("more records than can be read quickly are refused by name, also in a table without limits", async () => {
    const database = await freshDatabase();
    await engine.sql(
      `ALTER TABLE maxwells_daemon DROP CONSTRAINT \`fields has at most 65536 bytes\`;
       INSERT INTO maxwells_daemon VALUES ('big', 'canary', 0.5, CONCAT('{"padding": "', REPEAT('x', 1100000), '"}'), 0);
       INSERT INTO maxwells_daemon SELECT 'many', CONCAT('v', seq), 0.5, CONCAT('{"padding": "', REPEAT('x', 60000), '"}'), 0 FROM seq_1_to_20`,
      database,
    );
    const store = await openAt(engine.address(READER, engine.port, database));
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
    const database = await freshDatabase();
    const names = Array.from({ length: 50 }, (_, index) => `app${index}`);
    const store = await openAt(engine.address(READER, faults.port, database));
    const rollout = new Rollout(names, 60_000);
    const metrics = new Metrics(rollout.placements);
    const feed = new Feed({ store, rollout, metrics, delayMs: 60_000, log: silentLog });
    feed.start();
    try {
      await eventually(() => feed.isReady && faults.open === 2, "all are read");
      await engine.sql(
        `INSERT INTO maxwells_daemon SELECT CONCAT('app', seq % 50), CONCAT('v', seq DIV 50), 0.01, '{}', 0 FROM seq_0_to_2999`,
        database,
      );
      await eventually(
        () => names.every((name) => rollout.table(name)?.arcs.length === 60),
        "all have changed",
      );
      expect(faults.open).toBe(2);
    } finally {
      await feed.close();
    }
  });

  test("a closed store leaves no connection behind", async () => {
    const store = await openAt(engine.address(READER, faults.port));
    const push = watchOf(store, "closed");
    await store.read("closed", soon());
    await eventually(() => push.count > 0, "the watch is ready");
    expect(faults.open).toBe(2);
    await within(1_000, store.close());
    await eventually(() => faults.open === 0, "no connections");
  });

  test("a server that is not MariaDB, breaks its protocol or never ends is an error, and the process lives", async () => {
    const packet = (sequence: number, ...body: (number | Uint8Array)[]) => {
      const bytes = Buffer.concat(body.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
      const head = Buffer.of(0, 0, 0, sequence);
      head.writeUIntLE(bytes.length, 0, 3);
      return Buffer.concat([head, bytes]);
    };
    const text = (value: string) => Buffer.from(`${value}\0`);
    const hello = (plugin = "mysql_native_password") =>
      packet(
        ...[0, 10, text("10.11.1-MariaDB"), Buffer.of(1, 0, 0, 0), Buffer.from("abcdefgh\0")],
        // Protocol 4.1, transactions, secure logins, plug-ins.
        ...[Buffer.of(0x0d, 0xa2), 45, Buffer.of(2, 0), Buffer.of(0x0f, 0x00), 21, Buffer.alloc(10)],
        ...[text("ijklmnopqrst"), text(plugin)],
      );
    const ok = packet(2, 0, 0, 0, Buffer.of(2, 0), Buffer.of(0, 0));
    const answers: Record<string, (socket: Socket) => void> = {
      "a web server": (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "a greeting that is too short": (socket) => socket.write(packet(0, 10, Buffer.from("x"))),
      "a packet of another number": (socket) => {
        socket.write(hello());
        socket.once("data", () => socket.write(packet(7, 0, 0, 0)));
      },
      "a wish for the password in clear text": (socket) => {
        socket.write(hello());
        socket.on("data", (bytes: Buffer) => {
          expect(bytes.toString("latin1")).not.toContain(OPERATOR.password);
          socket.write(packet(2, 0xfe, text("mysql_clear_password"), text("")));
        });
      },
      "a wish for a file of this machine": (socket) => {
        socket.write(hello());
        socket.once("data", () => {
          socket.write(ok);
          socket.once("data", () => {
            socket.write(packet(1, 0xfb, Buffer.from("/etc/hostname")));
            socket.on("data", (bytes: Buffer) => expect(bytes.length).toBeLessThan(5));
          });
        });
      },
      "rows without columns": (socket) => {
        socket.write(hello());
        socket.once("data", () => {
          socket.write(ok);
          socket.once("data", () => socket.write(packet(1, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255)));
        });
      },
      "bytes without end": (socket) => {
        const fill = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 0xfe))) {}
        };
        socket.on("drain", fill);
        fill();
      },
    };
    for (const [name, answer] of Object.entries(answers)) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        answer(socket);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      const store = await openAt(engine.address(OPERATOR, port));
      const error = await within(4_000, fails(store.read("website", soon())));
      expect([name, error]).toEqual([name, expect.any(StoreError)]);
      await store.close();
      server.close();
    }
  });
});
