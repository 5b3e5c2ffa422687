/** The harness of the contract suites: what they do to a MariaDB from outside. */

import { expect } from "bun:test";
import type { EvidenceLog } from "../../../src/stores/evidence.ts";
import { openStore } from "../../../src/stores/list.ts";
import { Mariadb } from "../../support/mariadb.ts";
import type { StoreHarness } from "../store-suite.ts";
import { type CONTROLLER, OPERATOR, READER, type World } from "./world.ts";

type Records = Readonly<Record<string, unknown>>;

/** As in a table made by hand: what is malformed has to be survived, too. */
export async function loosen(world: World): Promise<void> {
  await world.engine.sql(
    "ALTER TABLE maxwells_daemon DROP CONSTRAINT IF EXISTS `rollout is from 0 to 1, as 0.05 for 5 %`, MODIFY rollout DOUBLE NULL",
    "suite",
  );
}

/** @param user the login of the stores that the suite opens */
export function harnessOf(world: World, user: typeof OPERATOR | typeof CONTROLLER) {
  let isHalted = false;
  let isSpoilt = false;
  let restored: Mariadb | undefined;
  return async (): Promise<StoreHarness> => {
    await loosen(world);
    return {
      open: () =>
        openStore(world.engine.address(user, world.faults.port), {
          table: "",
          region: "",
          environment: {},
          warn: () => {},
        }),
      faults: world.faults,
      forDaemon: { address: world.engine.address(READER, world.faults.port) },
      seed: (application: string, records: Records) => seedMany(world, [application], records),
      seedMany: (applications: readonly string[], records: Records) => seedMany(world, applications, records),
      async spoilOne(application: string) {
        const padding = JSON.stringify({ padding: "x".repeat(60_000) });
        for (const version of ["v1", "v2", "v3"]) {
          await world.engine.sql(
            `INSERT INTO maxwells_daemon VALUES ('${application}', '${version}', 0.001, '${padding}', 0)`,
            "suite",
          );
        }
      },
      async denied() {
        const secret = "not-the-password";
        const address = world.engine.address({ ...OPERATOR, password: secret }, world.faults.port);
        return { store: await world.openAt(address), secret };
      },
      async leave() {
        isHalted = true;
        await world.engine.halt();
      },
      async spoil() {
        isSpoilt = true;
        await world.engine.sql("ALTER TABLE maxwells_daemon RENAME COLUMN version TO other", "suite");
      },
      async restart() {
        await world.engine.halt();
        await world.engine.resume();
      },
      // Each call looks at the log whose last batch is the oldest.
      age: async ({ application, key }: EvidenceLog) => {
        const isLog = `application = '${application}' AND log = '${key}'`;
        const leftAt = async (age: string) => {
          await world.engine.sql(
            `UPDATE maxwells_daemon_evidence_logs SET written_at = UTC_TIMESTAMP(6) - INTERVAL ${age} WHERE ${isLog};
         CALL maxwells_daemon_append('young', '0123456789abcdef01234567', '["x"]')`,
            "suite",
          );
          return world.engine.sql(
            `SELECT COUNT(*) > 0 FROM maxwells_daemon_evidence WHERE ${isLog}`,
            "suite",
          );
        };
        expect([await leftAt("'6 23' DAY_HOUR"), await leftAt("604801 SECOND")]).toEqual(["1", "0"]);
      },
      meter: { read: () => costs(world), hourMax: HOUR_MAX },
      hang: () => world.faults.enter("swallow"),
      async backUp() {
        await restored?.stop();
        restored = await Mariadb.start({ copyOf: world.engine });
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
        world.faults.failOver({ host: "127.0.0.1", port: restored?.port ?? 0 });
      },
      async recover() {
        await world.faults.enter("pass");
        if (world.faults.upstream.port !== world.engine.port)
          world.faults.failOver({ host: "127.0.0.1", port: world.engine.port });
        if (isHalted) await world.engine.resume();
        isHalted = false;
        if (isSpoilt)
          await world.engine.sql("ALTER TABLE maxwells_daemon RENAME COLUMN other TO version", "suite");
        isSpoilt = false;
      },
      close: async () => restored?.stop(),
    };
  };
}

/** Makes these the records of each application, by hand: only records that differ are touched. */
async function seedMany(world: World, applications: readonly string[], records: Records): Promise<void> {
  const rows = Object.entries(records).map(([version, value]) => {
    const fields = typeof value === "object" && value !== null ? { ...value } : { rollout: value };
    const { rollout, ...others } = fields as { rollout?: unknown };
    return typeof rollout === "number"
      ? { version, rollout, fields: JSON.stringify(others) }
      : { version, rollout: null, fields: JSON.stringify(fields) };
  });
  const client = await world.engine.client("suite");
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
async function costs(world: World): Promise<Record<string, number>> {
  const found = await world.engine.sql(
    "SELECT COUNT(*), COALESCE(SUM(OCTET_LENGTH(batch)), 0) FROM maxwells_daemon_evidence",
    "suite",
  );
  const [rows, text] = found.split("|").map(Number);
  return { rows: rows ?? 0, text: text ?? 0 };
}
