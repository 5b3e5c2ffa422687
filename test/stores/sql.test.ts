/** The parts that the stores of databases have in common. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/stores/list.ts";
import { fails, soon } from "../support/store-calls.ts";

const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-sql-"));
const authority = join(directory, "ca.pem");
let writer: number | undefined;

beforeAll(async () => {
  await Bun.$`mkfifo ${authority}`;
  // The end of this one is the end of the file for its readers.
  writer = openSync(authority, "r+");
});
afterAll(() => {
  if (writer !== undefined) closeSync(writer);
  rmSync(directory, { recursive: true });
});

test.each([
  ["MariaDB", `mariadb://daemon@127.0.0.1/rollouts?ssl-mode=verify_ca&ssl-ca=${authority}`],
  ["PostgreSQL", `postgres://daemon@127.0.0.1/rollouts?sslmode=verify-ca&sslrootcert=${authority}`],
])(
  "a certificate that cannot be read to its end holds up no read, and not the close: %s",
  async (_name, address) => {
    const store = await openStore(address, { table: "", region: "", environment: {}, warn: () => {} });
    expect(await fails(store.read("website", soon()))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("within 1.5 s"),
    });
    const beganMs = performance.now();
    await store.close();
    expect(performance.now() - beganMs).toBeLessThan(1_000);
  },
  15_000,
);
