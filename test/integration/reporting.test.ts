/**
 * One suite for every integration that reports outcomes: the real proxy with the shipped files, and the
 * daemon's own reader of reports. Each row of the table is a kind of request, and what has to be reported of
 * it.
 *
 *     npx bun test --timeout 30000 test/integration/reporting.test.ts -t 'HAProxy, map'
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { INTEGRATIONS } from "./conformance/list.ts";
import type { Row } from "./reporting/row.ts";
import { ROWS } from "./reporting/rows.ts";
import { Site } from "./reporting/site.ts";
import { exceptionOf } from "./reporting/table.ts";

const START_MS = 60_000;
const ROW_MS = 30_000;

for (const integration of INTEGRATIONS) {
  const { name, reporting } = integration;
  if (reporting === undefined) continue;
  const missing = integration.missing();
  if (missing !== undefined) console.warn(`skipped: ${name}: ${missing}`);

  describe.skipIf(missing !== undefined)(name, () => {
    let site: Site | undefined;

    const rowsOf = (allowForce: boolean) => {
      beforeAll(async () => {
        site = await Site.start(integration, { allowForce });
      }, START_MS);
      afterAll(() => site?.stop(), START_MS);

      for (const row of ROWS.filter(({ isForcing = false }) => isForcing === allowForce)) {
        const exception = exceptionOf(integration, row);
        test.skipIf(exception !== undefined)(
          exception === undefined ? row.title : `${row.title} (does not apply: ${exception})`,
          () => run(row),
          row.timeoutMs ?? ROW_MS,
        );
      }
    };

    async function run(row: Row): Promise<void> {
      if (site === undefined) throw new Error("it did not start");
      await row.run(site);
      expect(site.heard.refused).toEqual([]);
    }

    describe("as it is shipped", () => rowsOf(false));
    describe("with forcing allowed", () => rowsOf(true));
  });
}
