/** The collector's place. It is in `node_modules`, so it is removed with the packages. */

import { join } from "node:path";

export const COLLECTOR = join(import.meta.dir, "../../node_modules/.cache/collector-0.165.0/collector");
