/** The errors of a real PostgreSQL, each in words that are true of it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { postgresFault } from "../../../src/stores/postgres/faults.ts";
import { hasPostgres, Postgres } from "../../support/postgres.ts";

let engine: Postgres;

beforeAll(async () => {
  if (hasPostgres) engine = await Postgres.start();
}, 60_000);

afterAll(() => engine?.stop());

/** The fault for an error that the server sends with this SQLSTATE. */
async function faultOf(state: string) {
  const client = await engine.client("postgres");
  const error = await client.query(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '${state}'; END $$`).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await client.end();
  return postgresFault("postgres://db", error);
}

describe.skipIf(!hasPostgres)("faults of PostgreSQL", () => {
  test.each(["21000", "22007", "42703", "42883", "44000", "P0001"])(
    "the state %s says that the table is another one",
    async (state) => {
      expect(await faultOf(state)).toMatchObject({
        code: "malformed",
        message: expect.stringContaining(`has another maxwells_daemon than this program makes (${state})`),
      });
    },
  );

  // A plan that no longer fits, a transaction that was idle for too long, a statement that a pool forgot, an
  // old snapshot, a code of a later version.
  test.each(["0A000", "25P03", "26000", "72000", "ZZ999"])(
    "the state %s says nothing about the table",
    async (state) => {
      expect(await faultOf(state)).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining(`has an error that this program does not know (${state})`),
      });
    },
  );
});
