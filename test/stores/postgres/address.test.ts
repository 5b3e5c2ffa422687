/** The user and the password of a database: the address names them, or the environment that is handed in. */

import { expect, test } from "bun:test";
import { ownUserName } from "../../../src/files/user-name.ts";
import {
  type PostgresAddress,
  parsePostgresAddress,
  passwordOf,
  userOf,
} from "../../../src/stores/postgres/address.ts";

const address = (location: string) => parsePostgresAddress(location) as PostgresAddress;

test("the address comes before the environment, and the environment before the user of the process", () => {
  const environment = { PGUSER: "ada", PGPASSWORD: "secret" };
  const [full, bare] = [address("//bob:key@db/rollouts"), address("//db/rollouts")];
  expect([userOf(full, environment), passwordOf(full, environment)]).toEqual(["bob", "key"]);
  expect([userOf(bare, environment), passwordOf(bare, environment)]).toEqual(["ada", "secret"]);
  expect([userOf(bare, {}), passwordOf(bare, {})]).toEqual([ownUserName(), ""]);
  expect(userOf(bare, { PGUSER: "" })).toBe(ownUserName());
});
