/** The table of the reporting suite for `integrations/README.md`. */

import type { Integration } from "../conformance/integration.ts";
import { INTEGRATIONS } from "../conformance/list.ts";
import { markdownTable } from "../conformance/table.ts";
import type { Row } from "./row.ts";
import { ROWS } from "./rows.ts";

/** Why a row does not apply to an integration that reports, or undefined if it does. */
export function exceptionOf({ reporting }: Integration, { id, isSharing = false }: Row): string | undefined {
  const cannotShare = isSharing && reporting?.canShare !== true;
  return cannotShare ? "it reports the outcomes of all visitors" : reporting?.exceptions?.[id];
}

/** The table if every row that applies has passed: the promise of the suite. */
export function promisedTable(): string {
  const reporting = INTEGRATIONS.filter((integration) => integration.reporting !== undefined);
  return markdownTable(reporting, ROWS, exceptionOf, () => "passed");
}
