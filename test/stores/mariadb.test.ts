import { afterAll, afterEach, beforeAll, describe, expect } from "bun:test";
import { join } from "node:path";
import type { EvidenceLog } from "../../src/stores/evidence.ts";
import { openStore } from "../../src/stores/list.ts";
import type { Store } from "../../src/stores/store.ts";
import { ADMIN, hasMariadb, Mariadb } from "../support/mariadb.ts";
import { soon } from "../support/store-calls.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { storeSuite } from "./store-suite.ts";

const ROOT = join(import.meta.dir, "../..");
const READER = { user: "maxwells_daemon", password: "reader-secret/@" } as const;
const OPERATOR = { user: "ada", password: "operator-secret" } as const;
const CONTROLLER = { user: "maxwells_daemon_controller", password: "controller-secret" } as const;
const USERS = [READER, OPERATOR, CONTROLLER];

let engine: Mariadb;
let faults: TcpFaults;
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
  await engine.sql(`CREATE USER admin IDENTIFIED BY '${ADMIN.password}'`);
  await engine.sql(`GRANT ALL ON ${database}.* TO admin`);
  const store = await openAt(engine.address(ADMIN, engine.port, database));
  await store.init?.(soon());
  await store.close();
  await engine.sql(await pageSql(), database);
}

/** The permissions of `docs/stores/mariadb.md`. Users belong to the whole server, so they are made once. */
async function pageSql(): Promise<string> {
  const page = await Bun.file(join(ROOT, "docs/stores/mariadb.md")).text();
  const [, sql = ""] = /```sql\n(CREATE USER[\s\S]*?)```/.exec(page) ?? [];
  const filled = USERS.reduce((text, { user, password }) => {
    const place = `CREATE USER ${user} IDENTIFIED BY '`;
    expect(text).toContain(`${place}CHANGE'`);
    return text.replace(`${place}CHANGE'`, `${place}${password}'`);
  }, sql);
  return filled;
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
