/** The command that tests start as a process. */

import { resolve } from "node:path";

/** The launcher and the sources, or the bundle of the sources that `npm test` made for this run. */
export const PROGRAM =
  process.env["MAXWELLS_TEST_PROGRAM"] ?? resolve(import.meta.dir, "../../bin/maxwells-daemon");
