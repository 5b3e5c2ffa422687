/** Evidence in MariaDB, as in every store. */

import { describe } from "bun:test";
import { hasMariadb } from "../../support/mariadb.ts";
import { evidenceSuite } from "../evidence-suite.ts";
import { harnessOf } from "./harness.ts";
import { CONTROLLER, useMariadb } from "./world.ts";

describe.skipIf(!hasMariadb)("as every store", () => {
  const world = useMariadb();
  evidenceSuite("mariadb", harnessOf(world, CONTROLLER), {
    "a watch is nudged soon after an append": "MariaDB pushes nothing",
  });
});
