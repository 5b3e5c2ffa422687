/** The errors of a real MariaDB, each in words that are true of it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { openStore } from "../../../src/stores/list.ts";
import { mariadbFault } from "../../../src/stores/mariadb/faults.ts";
import type { Store } from "../../../src/stores/store.ts";
import { hasMariadb, Mariadb } from "../../support/mariadb.ts";
import { fails, soon } from "../../support/store-calls.ts";

let engine: Mariadb;
let address: string;

beforeAll(async () => {
  if (!hasMariadb) return;
  engine = await Mariadb.start();
  address = await engine.withDatabase("suite");
}, 60_000);

afterAll(() => engine?.stop());

const open = () =>
  openStore(address, { table: "", region: "", environment: {}, warn: (message) => console.warn(message) });

/** The fault for an error that the server sends with this number and SQLSTATE. */
async function faultOf(number: number, state: string) {
  const sent = engine.sql(`SIGNAL SQLSTATE '${state}' SET MYSQL_ERRNO = ${number}`);
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return mariadbFault("mariadb://db", error);
}

describe.skipIf(!hasMariadb)("faults of MariaDB", () => {
  test("a server that cannot use its temporary directory is unavailable, and its table is not another one", async () => {
    const store: Store = await open();
    await store.init?.(soon());
    // Records that are too long for a temporary table in memory.
    for (let version = 0; version < 4; version++) {
      const record = { rollout: 0, note: "x".repeat(60_000) };
      await store.write?.("website", `canary-${version}`, record, null, soon());
    }
    rmSync(engine.temporary, { recursive: true });
    const fault = await fails(store.readMany?.(["website"], soon()));
    await store.close();
    expect(fault).toMatchObject({ code: "unavailable" });
    expect((fault as Error).message).toMatch(/ cannot use a file of its own \(\d{1,3}\); look at .*tmpdir$/);
  });

  test.each([
    // Columns, procedures, values and keys that no statement of this program expects.
    [1054, "42S22"],
    [1305, "42000"],
    [1136, "21S01"],
    [1292, "22007"],
    [1452, "23000"],
    [1369, "44000"],
    [1644, "45000"],
    // A view, and a column without a default.
    [1356, "HY000"],
    [1364, "HY000"],
  ])("error %i with the state %s says that the table is another one", async (number, state) => {
    expect(await faultOf(number, state)).toMatchObject({
      code: "malformed",
      message: expect.stringContaining(`has another maxwells_daemon than this program makes (${number})`),
    });
  });

  test.each([
    // An engine's own error, a table that crashed, a deadlock of two clusters, a number of a later version.
    [1030, "HY000"],
    [1194, "HY000"],
    [1614, "XA102"],
    [4999, "HY000"],
  ])("error %i with the state %s says nothing about the table", async (number, state) => {
    expect(await faultOf(number, state)).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`has an error that this program does not know (${number})`),
    });
  });

  test("a table whose file is gone is the server's trouble", async () => {
    expect(await faultOf(1932, "42S02")).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("cannot serve now (1932)"),
    });
  });
});
