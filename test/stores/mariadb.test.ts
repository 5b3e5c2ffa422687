/** The store MariaDB, as every store. */

import { describe } from "bun:test";
import { hasMariadb } from "../support/mariadb.ts";
import { harnessOf } from "./mariadb/harness.ts";
import { OPERATOR, useMariadb } from "./mariadb/world.ts";
import { storeSuite } from "./store-suite.ts";

describe.skipIf(!hasMariadb)("as every store", () => {
  const world = useMariadb();
  storeSuite("mariadb", harnessOf(world, OPERATOR), {
    "an older state counts at once if the engine counts no writes": "the table counts all writes",
  });
});
