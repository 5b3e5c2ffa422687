/** The memory of a page that stays open. */

import { expect } from "bun:test";
import type { CDPSession, Page } from "playwright-core";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { startFlood } from "./flood.ts";
import type { Case } from "./rig.ts";

/** More states than the page keeps of its past, at four a second. */
const WARM = 3_000;
const STATES = 10_000;

/** The heap may be larger by this much after `STATES` states. One text that stayed of each would be more. */
const GROWTH_BYTES_MAX = 400_000;

/**
 * Counts the states. With each of them the page's clock goes a quarter of a second forward, which is the pace
 * of a daemon. Else the page would keep all states as those of the last seconds.
 */
const PACE = `globalThis.states = 0;
const realNow = performance.now.bind(performance);
performance.now = () => realNow() + 250 * states;
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    this.addEventListener("message", () => { states++; });
  }
};`;

export const MEMORY: readonly Case[] = [
  {
    title: `the memory of a page is flat over ${STATES} states`,
    run: async ({ browser, site }) => {
      const flood = await startFlood(site.url("evidence"));
      try {
        await visit(
          browser,
          flood.url,
          async (page) => {
            const session = await page.context().newCDPSession(page);
            flood.send(WARM);
            const before = await heapAfter(page, session, WARM);
            flood.send(STATES);
            const after = await heapAfter(page, session, WARM + STATES);
            expect(after - before).toBeLessThan(GROWTH_BYTES_MAX);
          },
          { script: PACE },
        );
      } finally {
        await flood.stop();
      }
    },
  },
];

/** The bytes of the heap without garbage, after this number of states. */
async function heapAfter(page: Page, session: CDPSession, count: number): Promise<number> {
  await eventually(async () => (await page.evaluate<number>("states")) === count, `${count} states`, 60_000);
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}
