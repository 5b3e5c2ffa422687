/**
 * One suite for every integration: the same cases, with the real proxy, a real daemon and real upstreams.
 * This file only runs them. The cases, in `conformance/`, hold the assertions.
 *
 * Prints a table at its end; `integrations/README.md` has the same one (`npm run docs`).
 *
 *     npx bun test --timeout 30000 test/integration/conformance.test.ts -t 'HAProxy, map'
 */

import { afterAll, beforeAll, describe, test } from "bun:test";
import type { Case } from "./conformance/case.ts";
import { CASES } from "./conformance/cases.ts";
import { INTEGRATIONS } from "./conformance/list.ts";
import { Rig } from "./conformance/rig.ts";
import { exceptionOf, type Result, resultTable } from "./conformance/table.ts";

const START_MS = 60_000;
const CASE_MS = 30_000;

const results = new Map<string, Result>();

for (const integration of INTEGRATIONS) {
  const { name } = integration;
  const missing = integration.missing();
  if (missing !== undefined) console.warn(`skipped: ${name}: ${missing}`);

  describe.skipIf(missing !== undefined)(name, () => {
    let rig: Rig | undefined;

    const runOf = (isGuarded: boolean) => {
      beforeAll(async () => {
        rig = await Rig.start(integration, { allowForce: isGuarded, isTls: isGuarded });
      }, START_MS);
      afterAll(() => rig?.stop(), START_MS);

      for (const each of CASES.filter((one) => (one.isGuarded ?? false) === isGuarded)) {
        const exception = exceptionOf(integration, each);
        test.skipIf(exception !== undefined)(
          exception === undefined ? each.title : `${each.title} (does not apply: ${exception})`,
          () => run(each),
          each.timeoutMs ?? CASE_MS,
        );
      }
    };

    async function run(each: Case): Promise<void> {
      const cell = `${name}\n${each.id}`;
      results.set(cell, "failed");
      if (rig === undefined) throw new Error("it did not start");
      await each.run(rig);
      results.set(cell, "passed");
    }

    describe("as it is shipped", () => runOf(false));
    describe("with TLS, and forcing allowed", () => runOf(true));
  });
}

afterAll(() => {
  console.log(`\n${resultTable((integration, each) => results.get(`${integration.name}\n${each.id}`))}\n`);
});
