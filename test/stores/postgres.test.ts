import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Feed } from "../../src/feed/feed.ts";
import { silentLog } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import { checkRecord } from "../../src/records/check.ts";
import { Rollout } from "../../src/rollout.ts";
import type { EvidenceLog } from "../../src/stores/evidence.ts";
import { openStore } from "../../src/stores/list.ts";
import { insertRecord, readRecord, updateRecord } from "../../src/stores/postgres/records.ts";
import { postgres as kind } from "../../src/stores/postgres.ts";
import type { Row } from "../../src/stores/sql/rows.ts";
import type { Ask } from "../../src/stores/sql/session.ts";
import { type Snapshot, type Store, StoreError, type StoreRecord } from "../../src/stores/store.ts";
import { run, temporaryDirectory } from "../cli/run.ts";
import { eventually } from "../support/eventually.ts";
import { hasPgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { ADMIN, hasPostgres, Postgres } from "../support/postgres.ts";
import { messageOf } from "../support/reason-of.ts";
import { soon } from "../support/store-calls.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { rollouts, storeSuite, within } from "./store-suite.ts";

const ROOT = join(import.meta.dir, "../..");
const READER = { user: "maxwells_daemon", password: "reader-secret/@" } as const;
const OPERATOR = { user: "ada", password: "operator-secret" } as const;
const CONTROLLER = { user: "maxwells_daemon_controller", password: "controller-secret" } as const;
const SECRETS = [
  CONTROLLER.password,
  ADMIN.password,
  READER.password,
  encodeURIComponent(READER.password),
  OPERATOR.password,
];

let engine: Postgres;
let faults: TcpFaults;
let databases = 0;
const warnings: string[] = [];
const opened: Store[] = [];

beforeAll(async () => {
  if (!hasPostgres) return;
  engine = await Postgres.start();
  faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
  await engine.psql("CREATE DATABASE suite");
  await initialise("suite");
  // As in a table made by hand: what is malformed has to be survived, too.
  await engine.psql(
    `ALTER TABLE maxwells_daemon DROP CONSTRAINT "rollout is from 0 to 1, as 0.05 for 5 %", ALTER rollout DROP NOT NULL`,
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

/** Makes the table as the superuser, and the roles and rights as the page has them. */
async function initialise(database: string): Promise<void> {
  const store = await openAt(engine.address(ADMIN, engine.port, database));
  await store.init?.(soon());
  await store.close();
  await engine.psql(await pageSql(database), database);
}

/** The permissions of `docs/stores/postgres.md`; roles belong to the whole server, so they are made once. */
async function pageSql(database: string): Promise<string> {
  const page = await Bun.file(join(ROOT, "docs/stores/postgres.md")).text();
  const [, sql = ""] = /```sql\n(CREATE ROLE[\s\S]*?)```/.exec(page) ?? [];
  const filled = [READER, OPERATOR, CONTROLLER].reduce((text, { user, password }) => {
    const place = `CREATE ROLE ${user} LOGIN PASSWORD '`;
    expect(text).toContain(`${place}CHANGE'`);
    return text.replace(`${place}CHANGE'`, `${place}${password}'`);
  }, sql);
  return database === "suite" ? filled : filled.replace(/^CREATE ROLE.*$/gm, "");
}

/** A database of its own, with the table. */
async function freshDatabase(): Promise<string> {
  const name = `fresh${++databases}`;
  await engine.psql(`CREATE DATABASE ${name}`);
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

/** Makes these the application's records, as an operator with `psql` would: only what differs is touched. */
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
      ? { version, rollout, fields: others }
      : { version, rollout: null, fields };
  });
  const client = await engine.client("suite");
  try {
    await client.query("BEGIN");
    await client.query(
      "DELETE FROM maxwells_daemon WHERE application = ANY ($1) AND NOT version = ANY ($2)",
      [applications, Object.keys(records)],
    );
    await client.query(
      `INSERT INTO maxwells_daemon AS now (application, version, rollout, fields)
       SELECT application, version, rollout, fields FROM unnest($1::text[]) AS application,
         jsonb_to_recordset($2::jsonb) AS record (version text, rollout double precision, fields jsonb)
       ON CONFLICT (application, version) DO UPDATE SET rollout = excluded.rollout, fields = excluded.fields
         WHERE (now.rollout, now.fields) IS DISTINCT FROM (excluded.rollout, excluded.fields)`,
      [applications, JSON.stringify(rows)],
    );
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

/** For each daemon of a fleet of three that all lead; `docs/stores/postgres.md` has the figures. */
const HOUR_MAX = { rows: 900, bytes: 950_000, text: 600_000 };

/** The cost of the evidence in a PostgreSQL, by itself: rows, bytes with the indexes, and bytes of text. */
async function costs(): Promise<Record<string, number>> {
  const found = await engine.psql(
    `SELECT count(*), pg_total_relation_size('maxwells_daemon_evidence'), sum(octet_length(batch))
       FROM maxwells_daemon_evidence`,
    "suite",
  );
  const [rows, bytes, text] = found.split("|").map(Number);
  return { rows: rows ?? 0, bytes: bytes ?? 0, text: text ?? 0 };
}

describe.skipIf(!hasPostgres)("as every store", () => {
  let isHalted = false;
  let isSpoilt = false;
  let restored: Postgres | undefined;
  const startAs = (user: typeof OPERATOR | typeof CONTROLLER) => async () => ({
    open: () =>
      openStore(engine.address(user, faults.port, "suite"), {
        table: "",
        region: "",
        environment: {},
        warn: () => {},
      }),
    faults,
    forDaemon: { address: engine.address(READER, faults.port, "suite") },
    seed,
    seedMany,
    async spoilOne(application: string) {
      await engine.psql(
        `INSERT INTO maxwells_daemon SELECT '${application}', 'v' || n, 0.001, jsonb_build_object('padding', repeat('x', 60000))
           FROM generate_series(1, 3) AS n`,
        "suite",
      );
    },
    async denied() {
      const secret = "not-the-password";
      return {
        store: await openAt(engine.address({ ...OPERATOR, password: secret }, faults.port, "suite")),
        secret,
      };
    },
    async leave() {
      isHalted = true;
      await engine.halt();
    },
    async spoil() {
      isSpoilt = true;
      await engine.psql("ALTER TABLE maxwells_daemon RENAME fields TO other", "suite");
    },
    async restart() {
      await engine.halt();
      await engine.resume();
    },
    // The function of the table looks at the oldest row first, and at each 256th new one.
    age: async ({ application, key }: EvidenceLog) => {
      const table = "maxwells_daemon_evidence";
      const isLog = `application = '${application}' AND key = '${key}'`;
      const leftAt = (age: string) => `
        UPDATE ${table} SET written_at = clock_timestamp() - interval '${age}' WHERE ${isLog};
        INSERT INTO ${table} (application, key, batch)
          SELECT 'young', '0123456789abcdef01234567', 'x' FROM generate_series(1, 256);
        SELECT count(*) > 0 FROM ${table} WHERE ${isLog};`;
      const left = await engine.psql(
        `DELETE FROM ${table} WHERE id < (SELECT min(id) FROM ${table} WHERE ${isLog});
         ${leftAt("6 days 23 hours")} ${leftAt("7 days 1 second")}`,
        "suite",
      );
      expect(left.split("\n")).toEqual(["t", "f"]);
    },
    meter: { read: costs, hourMax: HOUR_MAX },
    hang: () => faults.enter("swallow"),
    async backUp() {
      await restored?.stop();
      restored = await Postgres.start({ primary: engine });
      await restored.promote();
    },
    async failOver(state: "empty" | "older") {
      if (state === "empty")
        await restored?.psql("TRUNCATE maxwells_daemon, maxwells_daemon_evidence", "suite");
      faults.failOver({ host: "127.0.0.1", port: restored?.port ?? 0 });
    },
    async recover() {
      await faults.enter("pass");
      if (faults.upstream.port !== engine.port) faults.failOver({ host: "127.0.0.1", port: engine.port });
      if (isHalted) await engine.resume();
      isHalted = false;
      if (isSpoilt) await engine.psql("ALTER TABLE maxwells_daemon RENAME other TO fields", "suite");
      isSpoilt = false;
    },
    close: async () => restored?.stop(),
  });
  storeSuite("postgres", startAs(OPERATOR), {
    "an older state counts at once if the engine counts no writes": "the table counts all writes",
  });
  evidenceSuite("postgres", startAs(CONTROLLER), {
    "a watch is nudged soon after an append":
      "a notification for each batch costs more than a read each two seconds",
  });
});

describe("addresses", () => {
  test("what is wrong with one is said with its remedy, and never with its secret", () => {
    for (const [location, remedy] of [
      ["", "postgres://USER:PASSWORD@HOST/DATABASE"],
      ["//db.internal", "name the database"],
      ["//db.internal/", "name the database"],
      ["///website", "?host=/var/run/postgresql"],
      ["//one,two/website", "name one host"],
      ["//ada:pa/ss@db.internal/website", "%2F for /"],
      ["//ada:12/hunter@db.internal", "/ as %2F"],
      ["//ada:hunter%2@db.internal/website", "%25"],
      ["//db.internal/website?sslmode=prefer", "disable, require, verify-ca, verify-full"],
      ["//db.internal/website?password=hunter2", "sslmode"],
      ["/website", "postgres://"],
    ] as const) {
      const problem = kind.check(location) ?? "nothing is wrong";
      expect([location, problem]).toEqual([location, expect.stringContaining(remedy)]);
      expect(problem).not.toMatch(/hunter|pa\/ss/);
    }
    for (const location of [
      "//db.internal/website",
      "//ada:p%40ss@[::1]:5433/website?sslmode=disable",
      "///website?host=/var/run/postgresql",
      "//db.internal/website?sslmode=verify-full&sslrootcert=/etc/ca.pem",
    ]) {
      expect(kind.check(location)).toBeUndefined();
    }
  });

  test("shown are host and database, and no user", async () => {
    const shown = async (address: string) => (await openAt(address)).address;
    expect(await shown("postgres://ada:hunter2@db.internal:5433/website?sslkey=/k")).toBe(
      "postgres://db.internal:5433/website",
    );
    expect(await shown("postgres://ada@[::1]/website")).toBe("postgres://[::1]/website");
    expect(await shown("postgres:///website?host=/run/x")).toBe("postgres:///website?host=/run/x");
  });
});

describe.skipIf(!hasPostgres)("operators with psql", () => {
  let database: string;
  let store: Store;
  beforeAll(async () => {
    database = await freshDatabase();
  }, 30_000);

  /** The address with which an operator logs in. */
  const psql = (sql: string) => engine.psql(sql, database, OPERATOR.user);
  const open = async () => {
    store = await openAt(engine.address(OPERATOR, faults.port, database));
    return store;
  };
  const read = (application: string) => store.read(application, soon());

  test("an UPDATE by hand counts, is pushed, and is remembered with who made it", async () => {
    await open();
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const before = (await read("website")).get("canary");
    const push = nudgesOf(store, "website");
    await push.quiet();
    const nudged = push.next();
    await psql(
      "UPDATE maxwells_daemon SET rollout = 0.05 WHERE application = 'website' AND version = 'canary'",
    );
    await nudged;
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
    // Without the trigger, the count stays.
    await engine.psql("ALTER TABLE maxwells_daemon DISABLE TRIGGER USER", database);
    await psql(
      "UPDATE maxwells_daemon SET fields = jsonb_set(fields, '{why}', '\"two\"') WHERE application = 'count'",
    );
    await engine.psql("ALTER TABLE maxwells_daemon ENABLE TRIGGER USER", database);
    const after = (await read("count")).get("canary");
    expect([after?.position, after?.value]).toEqual([before?.position, { rollout: 0.25, why: "two" }]);
    const old = before?.revision ?? "";
    const lost = await store.write?.("count", "canary", { rollout: 1 }, old, soon());
    expect(lost).toEqual({ ok: false, current: after });
    expect(await store.remove?.("count", "canary", old, soon())).toEqual({ ok: false, current: after });
  });

  test("a change by hand does not look like one by the last author", async () => {
    await open();
    const signed = {
      rollout: 0.25,
      updatedBy: "grace@web1",
      updatedAt: "2026-01-02T03:04:05.000Z",
      why: "first",
    };
    await store.write?.("signed", "canary", signed, null, soon());
    await psql("UPDATE maxwells_daemon SET rollout = 0.5 WHERE application = 'signed'");
    const value = (await read("signed")).get("canary")?.value as Readonly<Record<string, unknown>>;
    expect(value).toEqual({ rollout: 0.5, updatedBy: OPERATOR.user, updatedAt: expect.any(String) });
    expect(Math.abs(Date.parse(String(value["updatedAt"])) - Date.now())).toBeLessThan(60_000);
    const past = await store.history?.("signed", 10, soon());
    expect(past?.map((record) => record.value)).toEqual([value, signed]);
  });

  test("history shows the login where it is not who signed", async () => {
    const store = ["-store", engine.address(OPERATOR, engine.port, database), "-application", "seen"];
    const as = (USER: string, ...words: string[]) => run([...words, ...store], { USER });
    await as("ada", "set", "canary", "10%", "-new");
    await as("grace", "set", "canary", "20%");
    await engine.psql("UPDATE maxwells_daemon SET rollout = 0.3 WHERE application = 'seen'", database);
    await psql("DELETE FROM maxwells_daemon WHERE application = 'seen'");
    const { stdout } = await as("ada", "history");
    const [, ...lines] = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/ {2,}/)[4])).toEqual([
      "ada",
      "postgres",
      `grace@${hostname()} (as login ada)`,
      `ada@${hostname()}`,
    ]);
    const changes = JSON.parse((await as("ada", "history", "-o", "json")).stdout) as unknown[];
    expect(changes[2]).toMatchObject({ rollout: 0.2, updatedBy: `grace@${hostname()}`, login: "ada" });
  });

  test("history tells the server's time, whatever time a record claims", async () => {
    await open();
    const claimed = { rollout: 0.25, updatedBy: "grace@web1", updatedAt: "2026-01-02T03:04:05.000Z" };
    await store.write?.("backdated", "canary", claimed, null, soon());
    const where = ["-store", engine.address(OPERATOR, engine.port, database), "-application", "backdated"];
    const [change] = JSON.parse((await run(["history", "-o", "json", ...where])).stdout) as {
      updatedAt: string;
      claimedAt: string;
    }[];
    expect(Math.abs(Date.parse(change?.updatedAt ?? "") - Date.now())).toBeLessThan(60_000);
    expect(change?.claimedAt).toBe(claimed.updatedAt);
    const { stdout } = await run(["history", ...where]);
    expect(stdout).toContain(change?.updatedAt ?? "no time");
    expect(stdout).not.toContain(claimed.updatedAt);
  });

  test("a change by hand over a connection that this program wrote with is one by hand", async () => {
    const client = await engine.client(database, OPERATOR.user);
    const ask: Ask = async (text, values = []) => (await client.query<Row>(text, [...values])).rows;
    const signed = { rollout: 0.25, updatedBy: "grace@web1", updatedAt: "2026-01-02T03:04:05.000Z" };
    const revision = (await insertRecord(ask, "shared", "canary", signed)) ?? "";
    expect(await updateRecord(ask, "shared", "canary", { ...signed, rollout: 0.5 }, revision)).toBeDefined();
    expect((await readRecord(ask, "shared", "canary"))?.value).toEqual({ ...signed, rollout: 0.5 });
    await ask("UPDATE maxwells_daemon SET rollout = 0.75 WHERE application = 'shared'");
    expect((await readRecord(ask, "shared", "canary"))?.value).toMatchObject({ updatedBy: OPERATOR.user });
    await client.end();
  });

  test("copy leaves out what the table does not take, and ends where the table is another one", async () => {
    using directory = temporaryDirectory();
    const file = directory.path("rollouts.json");
    const other = await freshDatabase();
    const copy = () =>
      run(["copy", "-store", `file:${file}`, "-to", engine.address(OPERATOR, engine.port, other)]);
    const big = { rollout: 0.5, note: "x".repeat(70_000) };
    await Bun.write(file, JSON.stringify({ website: { big, canary: 0.25 } }));
    const left = await copy();
    expect(left.status).toBe(1);
    expect(left.stdout).toStartWith("1 record of 1 application copied");
    expect(left.stdout).toContain("left out: website/big");

    await Bun.write(file, JSON.stringify({ shop: { canary: 0.25 } }));
    await engine.psql("ALTER TABLE maxwells_daemon_history RENAME fields TO other", other);
    const ended = await copy();
    expect([ended.status, ended.stdout]).toEqual([1, ""]);
    expect(ended.stderr).toContain("has another maxwells_daemon than this program makes (42703)");
  });

  test("copy -overwrite brings a record as it is, also one that was changed by hand after it was signed", async () => {
    const directory = mkdtempSync(join(tmpdir(), "store-postgres-"));
    const file = join(directory, "rollouts.json");
    const target = ["-to", engine.address(OPERATOR, engine.port, database)];
    const copy = (...words: string[]) => run(["copy", "-store", `file:${file}`, ...target, ...words]);
    const signed = {
      rollout: 0.25,
      updatedBy: "grace@web1",
      updatedAt: "2026-01-02T03:04:05.000Z",
      why: "x",
    };
    await Bun.write(file, JSON.stringify({ copied: { canary: signed } }));
    expect(await copy()).toMatchObject({ status: 0 });
    await Bun.write(file, JSON.stringify({ copied: { canary: { ...signed, rollout: 0.5 } } }));
    expect(await copy("-overwrite")).toMatchObject({ status: 0, stderr: "" });
    await open();
    expect((await read("copied")).get("canary")?.value).toEqual({ ...signed, rollout: 0.5 });
    // A change by hand is still one by hand.
    await psql("UPDATE maxwells_daemon SET rollout = 0.75 WHERE application = 'copied'");
    expect((await read("copied")).get("canary")?.value).toMatchObject({ updatedBy: OPERATOR.user });
    rmSync(directory, { recursive: true });
  });

  test("what is removed, renamed or emptied by hand is pushed and remembered", async () => {
    await open();
    for (const [change, application, left] of [
      ["DELETE FROM maxwells_daemon WHERE application = 'a'", "a", {}],
      ["UPDATE maxwells_daemon SET application = 'renamed' WHERE application = 'b'", "b", {}],
      ["UPDATE maxwells_daemon SET version = 'blue' WHERE application = 'c'", "c", { blue: 0.25 }],
      ["TRUNCATE maxwells_daemon", "d", {}],
    ] as const) {
      await store.write?.(application, "canary", { rollout: 0.25 }, null, soon());
      const push = nudgesOf(store, application);
      await push.quiet();
      const nudged = push.next();
      if (change.startsWith("TRUNCATE")) await engine.psql(change, database);
      else await psql(change);
      await nudged;
      push.end();
      expect([change, rollouts(await read(application))]).toEqual([change, left]);
      const past = (await store.history?.(application, 10, soon())) ?? [];
      expect(past.find(({ version }) => version === "canary")).toMatchObject({
        version: "canary",
        value: undefined,
      });
    }
  });

  test("the table refuses what could not count, and says what to write", async () => {
    await open();
    await store.write?.("refused", "canary", { rollout: 0.25 }, null, soon());
    for (const rollout of ["5", "-0.1", "'NaN'", "'Infinity'", "NULL"]) {
      const refused = psql(`UPDATE maxwells_daemon SET rollout = ${rollout} WHERE application = 'refused'`);
      expect(await messageOf(refused)).toContain(
        rollout === "NULL" ? "not-null" : "rollout is from 0 to 1, as 0.05 for 5 %",
      );
    }
    const big = { rollout: 0.5, note: "x".repeat(70_000) };
    const revision = (await read("refused")).get("canary")?.revision ?? "";
    const error = await failureOf(store.write?.("refused", "canary", big, revision, soon()));
    expect(error).toMatchObject({ code: "refused", message: expect.stringContaining("64 KiB") });
    expect(rollouts(await read("refused"))).toEqual({ canary: 0.25 });
  });

  test("if the table does not refuse them, NaN, infinity and rubbish are malformed records", async () => {
    await engine.psql(
      `INSERT INTO maxwells_daemon VALUES ('odd', 'nan', 'NaN'), ('odd', 'infinite', 'Infinity'), ('odd', 'less', '-Infinity'),
         ('odd', 'empty', NULL), ('odd', 'five', 5), ('odd', 'good', 0.1);
       ALTER TABLE maxwells_daemon DROP CONSTRAINT "fields is a JSON object";
       INSERT INTO maxwells_daemon VALUES ('odd', 'list', 0.5, '[1]'), ('odd', 'null', 0.5, 'null'), ('odd', 'word', 0.5, '"a"'),
         ('odd', 'far', 0.5, '{"offset": 1e400}');
       ALTER TABLE maxwells_daemon ADD CONSTRAINT "fields is a JSON object" CHECK (jsonb_typeof(fields) = 'object') NOT VALID`,
      "suite",
    );
    const suite = await openAt(engine.address(READER, engine.port, "suite"));
    const snapshot = await suite.read("odd", soon());
    const problems = [...snapshot].filter(
      ([version, { value }]) => checkRecord(version, value).problem !== undefined,
    );
    expect(problems.map(([version]) => version).sort()).toEqual(
      ["empty", "far", "five", "infinite", "less", "list", "nan", "null", "word"].sort(),
    );
    expect(snapshot.get("good")?.value).toEqual({ rollout: 0.1 });
  });

  test("numbers that JavaScript cannot hold stay as they are when a record is written", async () => {
    await open();
    const digits = "12345678901234567890.123456789012345678901234567890";
    await psql(
      `INSERT INTO maxwells_daemon VALUES ('exact', 'canary', 0.1, '{"big": ${digits}, "gone": 1}')`,
    );
    const revision = (await read("exact")).get("canary")?.revision ?? "";
    await store.write?.(
      "exact",
      "canary",
      { rollout: 0.1 + 0.2, gone: undefined, new: [1] },
      revision,
      soon(),
    );
    expect(await psql("SELECT rollout, fields FROM maxwells_daemon WHERE application = 'exact'")).toBe(
      `0.30000000000000004|{"big": ${digits}, "new": [1]}`,
    );
  });

  test("names and values of any characters come back", async () => {
    await open();
    const names = [
      "'; DROP TABLE maxwells_daemon; --",
      'a "quoted" \\ name',
      "line\nbreak\t\u0001",
      "日本 🦕 é",
      "$1 %s {}",
    ];
    for (const name of names) {
      const written = await store.write?.(
        name,
        name,
        { rollout: 0.5, note: name, [name]: name },
        null,
        soon(),
      );
      expect(written?.ok).toBe(true);
      expect((await read(name)).get(name)?.value).toEqual({ rollout: 0.5, note: name, [name]: name });
      expect((await store.history?.(name, 5, soon()))?.length).toBe(1);
    }
    expect(await store.applications?.(soon())).toEqual(expect.arrayContaining(names));
    for (const name of ["nul\0", "half \ud800"]) {
      expect(await read(name)).toEqual(new Map());
      expect(await failureOf(store.write?.(name, "canary", { rollout: 0.5 }, null, soon()))).toMatchObject({
        code: "refused",
      });
    }
    const nul = { rollout: 0.5, note: "\0" };
    expect(await failureOf(store.write?.("nul", "canary", nul, null, soon()))).toMatchObject({
      code: "refused",
    });
  });

  test("revisions grow on where a record was removed, and where the sequence fell behind", async () => {
    await open();
    const position = async () => (await read("sequence")).get("canary")?.position ?? Number.NaN;
    await store.write?.("sequence", "canary", { rollout: 0.1 }, null, soon());
    const first = await position();
    await psql("DELETE FROM maxwells_daemon WHERE application = 'sequence'");
    await store.write?.("sequence", "canary", { rollout: 0.1 }, null, soon());
    const second = await position();
    expect(second).toBeGreaterThan(first);
    await engine.psql("SELECT setval('maxwells_daemon_revision', 1, false)", database);
    await psql("UPDATE maxwells_daemon SET rollout = 0.2, revision = 0 WHERE application = 'sequence'");
    expect(await position()).toBe(second + 1);
  });
});

describe.skipIf(!hasPostgres)("permissions", () => {
  let database: string;
  beforeAll(async () => {
    database = await freshDatabase();
  }, 30_000);

  test("the daemon's role reads and is told, and can do nothing else", async () => {
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
    await operator.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const store = await openAt(engine.address(READER, engine.port, database));
    const push = nudgesOf(store, "website");
    await push.quiet();
    const { revision = "" } = (await store.read("website", soon())).get("canary") ?? {};
    const nudged = push.next();
    await operator.write?.("website", "canary", { rollout: 0.5 }, revision, soon());
    await nudged;
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });

    for (const attempt of [
      store.write?.("website", "canary", { rollout: 1 }, revision, soon()),
      store.write?.("website", "blue", { rollout: 1 }, null, soon()),
      store.history?.("website", 1, soon()),
    ]) {
      const error = await failureOf(attempt);
      expect(error).toMatchObject({ code: "denied", message: expect.stringContaining("42501") });
    }
    for (const attempt of [
      "DELETE FROM maxwells_daemon",
      "TRUNCATE maxwells_daemon",
      "DROP TABLE maxwells_daemon",
    ]) {
      expect(await messageOf(engine.psql(attempt, database, READER.user))).toMatch(
        /permission denied|must be owner/,
      );
    }
    expect(await engine.psql("SHOW statement_timeout", database, READER.user)).toBe("1500ms");
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });
  });

  test("a controller writes records and evidence, reads both, and can do nothing else", async () => {
    const log = { application: "website", key: "0123456789abcdef01234567" };
    const store = await openAt(engine.address(CONTROLLER, engine.port, database));
    const created = await store.write?.(
      "led",
      "canary",
      { rollout: 0.01, release: { seq: 1 } },
      null,
      soon(),
    );
    const revision = created?.ok ? created.revision : "";
    const next = { rollout: 0.05, release: { seq: 2 } };
    expect((await store.write?.("led", "canary", next, revision, soon()))?.ok).toBe(true);
    await store.evidence?.append(log, ["told"], soon());
    expect((await store.evidence?.read(log, undefined, soon()))?.batches).toEqual(["told"]);
    expect(await store.clock?.(soon())).toBeNumber();
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
    expect(await operator.history?.("led", 2, soon())).toMatchObject([
      { value: next, login: CONTROLLER.user },
      { value: { rollout: 0.01, release: { seq: 1 } } },
    ]);
    expect(await failureOf(store.history?.("led", 1, soon()))).toMatchObject({ code: "denied" });
    expect(
      await failureOf(store.remove?.("led", "canary", created?.ok ? created.revision : "", soon())),
    ).toMatchObject({ code: "denied" });
    for (const attempt of [
      "DELETE FROM maxwells_daemon_evidence",
      "UPDATE maxwells_daemon_evidence SET batch = ''",
      "TRUNCATE maxwells_daemon_evidence",
      "DELETE FROM maxwells_daemon",
      ...["transaction", "written_at", "id"].map(
        (column) => `INSERT INTO maxwells_daemon_evidence (application, key, batch, ${column})
          VALUES ('website', '${log.key}', 'x', DEFAULT)`,
      ),
    ]) {
      expect(await messageOf(engine.psql(attempt, database, CONTROLLER.user))).toMatch(
        /permission denied|must be owner/,
      );
    }
    // The rows of its own trigger are removed with the owner's rights.
    await engine.psql(
      "INSERT INTO maxwells_daemon_evidence (application, key, batch) SELECT 'website', repeat('ab', 12), n FROM generate_series(1, 600) AS n",
      database,
      CONTROLLER.user,
    );
  });

  test("a daemon that only follows has no evidence, and one that reports writes it and reads none", async () => {
    const log = { application: "website", key: "89abcdef0123456789abcdef" };
    const store = await openAt(engine.address(READER, engine.port, database));
    for (const attempt of [
      () => store.evidence?.append(log, ["x"], soon()),
      () => store.evidence?.read(log, undefined, soon()),
    ]) {
      expect(await failureOf(attempt())).toMatchObject({
        code: "denied",
        message: expect.stringContaining(
          "grant INSERT (application, key, batch) on maxwells_daemon_evidence",
        ),
      });
    }
    const page = await Bun.file(join(ROOT, "docs/stores/postgres.md")).text();
    const [grant = ""] = /GRANT INSERT \(application.* TO maxwells_daemon;/.exec(page) ?? [];
    await engine.psql(grant, database);
    await store.evidence?.append(log, ["x"], soon());
    expect(await failureOf(store.evidence?.read(log, undefined, soon()))).toMatchObject({ code: "denied" });
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
    expect((await operator.evidence?.read(log, undefined, soon()))?.batches).toEqual(["x"]);
    expect(await failureOf(operator.evidence?.append(log, ["y"], soon()))).toMatchObject({ code: "denied" });
  });

  test("operators write, and can neither forge the history nor lend themselves the owner's rights", async () => {
    const attempts = [
      "INSERT INTO maxwells_daemon_history (application, version) VALUES ('website', 'canary')",
      "DELETE FROM maxwells_daemon_history",
      "SELECT nextval('maxwells_daemon_revision')",
      "CREATE TEMP TABLE mine (a int); CREATE TRIGGER mine BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION maxwells_daemon_tell()",
      "ALTER TABLE maxwells_daemon DISABLE TRIGGER tell",
    ];
    for (const attempt of attempts) {
      expect(await messageOf(engine.psql(attempt, database, OPERATOR.user))).toMatch(
        /permission denied|must be owner/,
      );
    }
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    await store.write?.("forged", "canary", { rollout: 0.25 }, null, soon());
    // Tables of the same name that are found first must not be written in the owner's name.
    await engine.psql(
      `CREATE TEMP TABLE maxwells_daemon_history (LIKE public.maxwells_daemon_history);
       UPDATE public.maxwells_daemon SET rollout = 0.125 WHERE application = 'forged'`,
      database,
      OPERATOR.user,
    );
    const [newest] = (await store.history?.("forged", 1, soon())) ?? [];
    expect(newest).toMatchObject({ value: { rollout: 0.125 }, login: OPERATOR.user });
  });
});

describe.skipIf(!hasPostgres)("making the table", () => {
  test("the functions of an earlier program are replaced by their owner, and by no other user", async () => {
    const database = await freshDatabase();
    const body = "SELECT prosrc FROM pg_proc WHERE proname = 'maxwells_daemon_tell'";
    const asMade = await engine.psql(body, database);
    const old = `CREATE OR REPLACE FUNCTION maxwells_daemon_tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      AS $$ BEGIN RETURN NULL; END $$`;
    await engine.psql(old, database);
    const operator = await openAt(engine.address(OPERATOR, engine.port, database));
    expect(await operator.init?.(soon())).toBe("the table maxwells_daemon is there");
    expect(await engine.psql(body, database)).not.toBe(asMade);

    const owner = await openAt(engine.address(ADMIN, engine.port, database));
    expect(await owner.init?.(soon())).toContain("with triggers as this program makes them");
    expect(await engine.psql(body, database)).toBe(asMade);
    await operator.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    expect(await operator.history?.("website", 5, soon())).toMatchObject([{ login: OPERATOR.user }]);
  });

  test("of several who make it at once one does, in a schema with any name", async () => {
    await engine.psql(`CREATE DATABASE "many""makers"`);
    await engine.psql(
      `CREATE SCHEMA "o'dd ""one"; ALTER DATABASE "many""makers" SET search_path = 'o''dd "one', public`,
      'many"makers',
    );
    const address = engine.address(ADMIN, engine.port, encodeURIComponent('many"makers'));
    const stores = await Promise.all(Array.from({ length: 6 }, () => openAt(address)));
    const done = await Promise.all(stores.map((store) => store.init?.(soon())));
    expect(done.filter((sentence) => sentence?.includes("were made"))).toEqual([
      `the tables maxwells_daemon, _history and _evidence were made in the schema "o'dd ""one"`,
    ]);
    const [store] = stores;
    expect((await store?.write?.("website", "canary", { rollout: 0.5 }, null, soon()))?.ok).toBe(true);
    expect((await store?.history?.("website", 5, soon()))?.length).toBe(1);
  });

  test("without a table, a database or the right to make it, the message says what to do, and nothing is left", async () => {
    await engine.psql("CREATE DATABASE bare");
    const address = engine.address(OPERATOR, engine.port, "bare");
    const store = await openAt(address);
    const missing = await failureOf(store.read("website", soon()));
    expect(missing).toMatchObject({ code: "missing" });
    expect(missing.message).toContain(
      `maxwells-daemon init-store -store postgres://127.0.0.1:${engine.port}/bare`,
    );
    expect(await failureOf(store.init?.(soon()))).toMatchObject({ code: "denied" });
    // The connection is as good as before.
    expect(await failureOf(store.read("website", soon()))).toMatchObject({ code: "missing" });

    const nowhere = await openAt(engine.address(OPERATOR, engine.port, "nowhere"));
    expect(await failureOf(nowhere.read("website", soon()))).toMatchObject({ code: "missing" });
    const nobody = await openAt(engine.address({ user: "nobody", password: "x" }));
    expect(await failureOf(nobody.read("website", soon()))).toMatchObject({ code: "denied" });
    const silent = await openAt(`postgres://${OPERATOR.user}@127.0.0.1:${engine.port}/bare`);
    const asked = await failureOf(silent.read("website", soon()));
    expect(asked).toMatchObject({ code: "denied", message: expect.stringContaining("PGPASSWORD") });
  });

  test("in a table made by hand fields may be NULL, and are malformed if they are not JSON", async () => {
    await engine.psql("CREATE DATABASE byhand");
    await engine.psql(
      `CREATE TABLE maxwells_daemon (application text, version text, rollout float8, fields text, revision bigint);
       INSERT INTO maxwells_daemon VALUES ('website', 'canary', 0.25, NULL, 1), ('shop', 'canary', 0.5, '{}', 1), ('shop', 'blue', 0.5, 'soon', 1);`,
      "byhand",
    );
    const store = await openAt(engine.address(ADMIN, engine.port, "byhand"));
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    expect(rollouts(await store.read("shop", soon()))).toEqual({ canary: 0.5, blue: "soon" });
    for (let read = 0; read < 2; read++) {
      const many = await store.readMany?.(["website", "shop"], soon());
      for (const application of ["website", "shop"]) {
        expect(many?.get(application)).toEqual(await store.read(application, soon()));
      }
    }
  });

  test("another program's table is malformed, and init leaves it as it is", async () => {
    await engine.psql("CREATE DATABASE others");
    await engine.psql("CREATE TABLE maxwells_daemon (id int)", "others");
    const store = await openAt(engine.address(ADMIN, engine.port, "others"));
    expect(await store.init?.(soon())).toBe(
      "the table maxwells_daemon is there; releases also need maxwells_daemon_evidence, which its owner makes with init-store",
    );
    expect(await failureOf(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    expect(await engine.psql("SELECT * FROM maxwells_daemon", "others")).toBe("");
  });
});

describe.skipIf(!hasPostgres)("failures", () => {
  test("a lock that is held makes reads fail in time, and nothing piles up in the server", async () => {
    const database = await freshDatabase();
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    await store.read("website", soon());
    const holder = await engine.client(database);
    await holder.query("BEGIN; LOCK TABLE maxwells_daemon");
    try {
      for (let read = 0; read < 3; read++) {
        const error = await within(4_000, failureOf(store.read("website", soon())));
        expect(error).toMatchObject({ code: "unavailable" });
      }
      const waiting = `SELECT count(*) FROM pg_stat_activity WHERE usename = '${OPERATOR.user}' AND state = 'active'`;
      await eventually(async () => (await engine.psql(waiting)) === "0", "nothing waits for the lock");
    } finally {
      await holder.end();
    }
    expect(await store.read("website", soon())).toEqual(new Map());
  });

  test("a write that waits for another transaction is given up, and leaves the connection good", async () => {
    const database = await freshDatabase();
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const { revision = "" } = (await store.read("website", soon())).get("canary") ?? {};
    const holder = await engine.client(database);
    await holder.query("BEGIN; UPDATE maxwells_daemon SET rollout = 0.3");
    const error = await failureOf(store.write?.("website", "canary", { rollout: 1 }, revision, soon()));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("57014") });
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    await holder.query("COMMIT");
    await holder.end();
    expect((await store.write?.("website", "canary", { rollout: 1 }, revision, soon()))?.ok).toBe(false);
  });

  test("no secret and no text of the server is in any error", async () => {
    const database = await freshDatabase();
    const errors = [];
    for (const mode of ["refuse", "reset", "swallow", "cut", "garbage"] as const) {
      await faults.enter(mode);
      errors.push(
        await failureOf((await openAt(engine.address(READER, faults.port, database))).read("x", soon())),
      );
    }
    await faults.enter("pass");
    const reader = await openAt(engine.address(READER, faults.port, database));
    errors.push(await failureOf(reader.write?.("x", "y", { rollout: 1 }, null, soon())));
    errors.push(
      await failureOf((await openAt(engine.address({ ...READER, user: "who" }))).read("x", soon())),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(StoreError);
      const shown = `${error.message} ${Bun.inspect(error)} ${Bun.inspect(error.cause)} ${JSON.stringify(error)}`;
      for (const secret of SECRETS) expect(shown).not.toContain(secret);
      expect(shown).not.toMatch(/permission denied|authentication failed/);
    }
    const shown = `${Bun.inspect(reader, { depth: 12 })} ${JSON.stringify(warnings)}`;
    for (const secret of SECRETS) expect(shown).not.toContain(secret);
  });

  test("more records than can be read quickly are refused by name, also in a table without limits", async () => {
    const database = await freshDatabase();
    await engine.psql(
      `ALTER TABLE maxwells_daemon DROP CONSTRAINT "fields has at most 65536 bytes";
       INSERT INTO maxwells_daemon VALUES ('big', 'canary', 0.5, jsonb_build_object('padding', repeat('x', 1100000)));
       INSERT INTO maxwells_daemon SELECT 'many', 'v' || n, 0.5, jsonb_build_object('padding', repeat('x', 60000))
         FROM generate_series(1, 20) AS n`,
      database,
    );
    const store = await openAt(engine.address(READER, engine.port, database));
    const many = await store.readMany?.(["big", "many", "website"], soon());
    for (const application of ["big", "many"]) {
      expect(await failureOf(store.read(application, soon()))).toMatchObject({
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

  test("an application with the longest releases, all over but one, is read by daemons and by commands", async () => {
    const database = await freshDatabase();
    const store = await openAt(engine.address(OPERATOR, engine.port, database));
    const list = Array.from({ length: 250 }, (_, at) => [1_764_417_600_000 + at, at / 1_000, 0.125]);
    const release = (state: string) => ({ state, key: "0123456789abcdef01234567", log: list, arcs: list });
    for (let version = 0; version < 40; version++) {
      const fields = { rollout: 0, release: release(version === 0 ? "running" : "finished") };
      expect((await store.write?.("full", `v${version}`, fields, null, soon()))?.ok).toBe(true);
    }
    const read = await store.read("full", soon());
    expect(read.get("v7")?.value).toEqual({ rollout: 0, release: release("finished") });
    const many = (await store.readMany?.(["full"], soon()))?.get("full") as Snapshot;
    expect(many.get("v0")).toEqual(read.get("v0") as StoreRecord);
    expect(many.get("v7")?.value).toEqual({
      rollout: 0,
      release: { state: "finished", key: "0123456789abcdef01234567" },
    });
  });

  test("a server that is not PostgreSQL, breaks its protocol or never ends is an error, and the process lives", async () => {
    const message = (code: string, body: Uint8Array) => {
      const head = Buffer.alloc(5, code);
      head.writeUInt32BE(body.length + 4, 1);
      return Buffer.concat([head, body]);
    };
    const answers: Record<string, (socket: Socket) => void> = {
      "an unknown login": (socket) => socket.write(message("R", Buffer.of(0, 0, 0, 99))),
      "a message that is too short": (socket) => socket.write(message("R", Buffer.of())),
      "a row without a question": (socket) =>
        socket.write(
          Buffer.concat([message("R", Buffer.alloc(4)), message("D", Buffer.of(0, 9, 0, 0, 0, 1, 65))]),
        ),
      "a web server": (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "bytes without end": (socket) => {
        const fill = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536, message("N", Buffer.of(0))))) {}
        };
        socket.on("drain", fill);
        fill();
      },
    };
    for (const [name, answer] of Object.entries(answers)) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => answer(socket));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      const store = await openAt(`postgres://ada:${OPERATOR.password}@127.0.0.1:${port}/website`);
      const error = await within(4_000, failureOf(store.read("website", soon())));
      expect([name, error]).toEqual([name, expect.any(StoreError)]);
      await store.close();
      server.close();
    }
  });

  test("a flood of changes is a few reads, and many applications share two connections", async () => {
    const database = await freshDatabase();
    const names = Array.from({ length: 50 }, (_, index) => `app${index}`);
    const store = await openAt(engine.address(READER, faults.port, database));
    const rollout = new Rollout(names, 60_000);
    const metrics = new Metrics(rollout.placements);
    const feed = new Feed({ store, rollout, metrics, delayMs: 5_000, log: silentLog });
    feed.start();
    try {
      await eventually(() => feed.isReady, "all are read");
      expect(faults.open).toBe(2);
      await engine.psql(
        `INSERT INTO maxwells_daemon SELECT 'app' || n % 50, 'v' || n / 50, 0.01 FROM generate_series(0, 2999) AS n`,
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
});

describe.skipIf(!hasPostgres)("the push", () => {
  test("it is there again after its connection was reset, and tells that something may have been missed", async () => {
    const store = await openAt(engine.address(READER, faults.port, "suite"));
    const push = nudgesOf(store, "reset");
    await push.quiet();
    for (const loss of [
      () => faults.resetOpen(),
      () =>
        engine.psql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${READER.user}'`,
        ),
    ]) {
      const nudged = push.next();
      await loss();
      await nudged;
      const again = push.next();
      await seed("reset", { canary: Math.random() });
      await again;
    }
  });

  test("a connection that went silent is noticed by its health check", async () => {
    const store = await openAt(engine.address(READER, faults.port, "suite"));
    const push = nudgesOf(store, "silent push");
    await push.quiet();
    faults.swallowOpen();
    await push.next(15_000);
    await push.quiet();
    const nudged = push.next();
    await seed("silent push", { canary: 0.5 });
    await nudged;
  }, 30_000);

  test("a server that is away is looked for with longer pauses, and found again", async () => {
    const store = await openAt(engine.address(READER, faults.port, "suite"));
    const push = nudgesOf(store, "away");
    await push.quiet();
    await faults.enter("refuse");
    await push.quiet();
    const { count } = push;
    await faults.enter("pass");
    await eventually(() => push.count > count, "a nudge after the reconnect");
  });

  test("a closed store leaves no connection behind", async () => {
    const store = await openAt(engine.address(READER, engine.port, "suite"));
    const push = nudgesOf(store, "closed");
    await store.read("closed", soon());
    await push.quiet();
    const connections = async () =>
      Number(await engine.psql(`SELECT count(*) FROM pg_stat_activity WHERE usename = '${READER.user}'`));
    expect(await connections()).toBe(2);
    await within(1_000, store.close());
    await eventually(async () => (await connections()) === 0, "no connections");
  });
});

describe.skipIf(!hasPostgres)("a standby", () => {
  let standby: Postgres;
  let database: string;
  beforeAll(async () => {
    database = await freshDatabase();
    standby = await Postgres.start({ primary: engine });
  }, 60_000);
  afterAll(async () => {
    await standby?.stop();
  });

  test("it is read, polled, and takes no writes", async () => {
    const primary = await openAt(engine.address(OPERATOR, engine.port, database));
    await primary.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const store = await openAt(standby.address(OPERATOR, standby.port, database));
    await eventually(async () => (await store.read("website", soon())).size === 1, "the standby follows");
    expect((await store.read("website", soon())).get("canary")).toEqual(
      (await primary.read("website", soon())).get("canary"),
    );
    store.watch?.("website", () => {});
    store.watch?.("other", () => {});
    await eventually(() => warnings.length > 0, "a warning");
    expect(warnings).toEqual([expect.stringMatching(/standby, .* found by the poll/)]);
    for (const expected of [null, `1-${"0".repeat(16)}`]) {
      const error = await failureOf(store.write?.("website", "blue", { rollout: 0.5 }, expected, soon()));
      expect(error).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("write to the primary"),
      });
    }
    expect(await store.init?.(soon())).toBe("the table maxwells_daemon is there");

    const log = { application: "website", key: "0123456789abcdef01234567" };
    const leader = await openAt(engine.address(CONTROLLER, engine.port, database));
    const follower = await openAt(standby.address(CONTROLLER, standby.port, database));
    let cursor: string | undefined;
    for (const batch of ["one", "two"]) {
      await leader.evidence?.append(log, [batch], soon());
      await eventually(async () => {
        const news = await follower.evidence?.read(log, cursor, soon());
        cursor = news?.cursor;
        return news?.batches.includes(batch) === true;
      }, `the standby has ${batch}`);
    }
    expect(await failureOf(follower.evidence?.append(log, ["x"], soon()))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("write to the primary"),
    });
    expect(await follower.clock?.(soon())).toBeNumber();
  });
});

describe.skipIf(!hasPostgres || Bun.which("openssl") === null)("TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-tls-"));
  const path = (name: string) => join(directory, name);
  let secure: Postgres;

  beforeAll(async () => {
    // A shell of this test's own: the shell that all share would stay in a directory that is removed.
    const sh = new Bun.$.Shell().cwd(directory);
    await sh`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -keyout ca.key -out ca.pem`.quiet();
    await sh`openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr`.quiet();
    await Bun.write(path("names"), "subjectAltName=DNS:localhost");
    await sh`openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem`.quiet();
    secure = await Postgres.start({ tls: { certificate: path("server.pem"), key: path("server.key") } });
    const store = await openAt(secure.address(ADMIN));
    await store.init?.(soon());
  }, 60_000);
  afterAll(async () => {
    await secure?.stop();
    rmSync(directory, { recursive: true });
  });

  const read = async (host: string, query: string, port = secure.port) =>
    (await openAt(`postgres://${ADMIN.user}:${ADMIN.password}@${host}:${port}/postgres?${query}`))
      .read("website", soon())
      .then(
        (snapshot) => snapshot.size,
        (error: StoreError) => `${error.code}: ${error.message}`,
      );

  test("verify-full takes the right name from the right authority alone", async () => {
    const ca = `sslrootcert=${path("ca.pem")}`;
    expect(await read("localhost", `sslmode=verify-full&${ca}`)).toBe(0);
    expect(await read("127.0.0.1", `sslmode=verify-full&${ca}`)).toMatch(
      /^unavailable: .*certificate.*ALTNAME/,
    );
    expect(await read("localhost", "sslmode=verify-full")).toMatch(
      /^unavailable: .*certificate.*sslrootcert=FILE/,
    );
    expect(await read("127.0.0.1", `sslmode=verify-ca&${ca}`)).toBe(0);
    expect(await read("localhost", "sslmode=verify-ca")).toMatch(/^unavailable: .*certificate/);
    expect(await read("127.0.0.1", `sslmode=require&${ca}`)).toBe(0);
    expect(await read("127.0.0.1", "sslmode=require")).toBe(0);
    expect(await read("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem")).toMatch(
      /^missing: .*\/nowhere.pem/,
    );
  });

  test("what is encrypted is the connection", async () => {
    const store = await openAt(`${secure.address(ADMIN)}?sslmode=require`);
    await store.read("website", soon());
    const encrypted =
      "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'maxwells-daemon'";
    expect(await secure.psql(encrypted)).toBe("t");
  });

  test("a server without TLS is not spoken to in the clear", async () => {
    expect(await read("127.0.0.1", "sslmode=require", engine.port)).toMatch(
      /^unavailable: .*has no TLS.*sslmode=disable/,
    );
  });

  test("faults of the network are got over under TLS as well", async () => {
    const between = await TcpFaults.start({ host: "127.0.0.1", port: secure.port });
    try {
      const store = await openAt(`${secure.address(ADMIN, between.port)}?sslmode=require`);
      await store.read("website", soon());
      for (const mode of ["refuse", "reset", "swallow", "cut", "garbage"] as const) {
        await between.enter(mode);
        expect(await within(4_000, failureOf(store.read("website", soon())))).toBeInstanceOf(StoreError);
        await between.enter("pass");
        expect(await store.read("website", soon())).toEqual(new Map());
      }
    } finally {
      await between.stop();
    }
  }, 30_000);
});

describe.skipIf(!hasPostgres || !hasPgbouncer)("PgBouncer, pooling transactions", () => {
  test("all works but the push, and that is said", async () => {
    const database = await freshDatabase();
    const pooler = await startPgbouncer(engine, [ADMIN, OPERATOR, READER]);
    try {
      const address = engine.address(OPERATOR, pooler.port, database);
      const [one, two] = [await openAt(address), await openAt(address)];
      const made = await openAt(engine.address(ADMIN, pooler.port, database));
      expect(await made.init?.(soon())).toStartWith("the table maxwells_daemon is there");
      const log = { application: "website", key: "0123456789abcdef01234567" };
      let cursor: string | undefined;
      for (const batch of ["one", "two"]) {
        await made.evidence?.append(log, [batch], soon());
        const news = await made.evidence?.read(log, cursor, soon());
        cursor = news?.cursor;
        expect(news?.batches).toEqual([batch]);
      }
      let revision: string | null = null;
      for (let round = 0; round < 10; round++) {
        const outcomes = await Promise.all(
          [one, two].map((store) =>
            store.write?.("website", "canary", { rollout: round / 10 }, revision, soon()),
          ),
        );
        expect(outcomes.map((outcome) => outcome?.ok).sort()).toEqual([false, true]);
        revision = (await two.read("website", soon())).get("canary")?.revision ?? "";
      }
      expect((await one.history?.("website", 100, soon()))?.length).toBe(10);
      expect(warnings).toContainEqual(expect.stringContaining("ALTER ROLE … SET statement_timeout"));

      warnings.length = 0;
      const store = await openAt(engine.address(READER, pooler.port, database));
      const rollout = new Rollout(["website"], 60_000);
      const metrics = new Metrics(rollout.placements);
      const feed = new Feed({ store, rollout, metrics, delayMs: 200, log: silentLog });
      feed.start();
      await eventually(
        () => warnings.some((message) => message.includes("a pooler stands before it")),
        "a warning",
      );
      await engine.psql("UPDATE maxwells_daemon SET rollout = 0.125", database);
      await eventually(() => rollout.first.arcs[0]?.rollout === 0.125, "the poll finds it");
      await feed.close();
      // No other connection was left listening.
      expect(await engine.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")).toBe("0");
    } finally {
      await pooler.stop();
    }
  }, 30_000);
});

/** A watch whose nudges can be awaited. */
function nudgesOf(store: Store, application: string) {
  let wake: () => void = () => {};
  const push = {
    count: 0,
    next: (limitMs = 5_000) => within(limitMs, new Promise<void>((resolve) => (wake = resolve))),
    /** Until it stands, and nothing earlier can come any more. */
    async quiet() {
      if (push.count === 0) await push.next();
      for (let seen = -1; seen !== push.count; await Bun.sleep(100)) seen = push.count;
    },
    end: store.watch?.(application, () => {
      push.count++;
      wake();
    }) as () => void,
  };
  return push;
}

async function failureOf(work: Promise<unknown> | undefined): Promise<StoreError> {
  return (await (work ?? Promise.resolve()).then(
    () => new Error("nothing failed"),
    (error: unknown) => error,
  )) as StoreError;
}
