/** The memory of a page that stays open. */

import { expect } from "bun:test";
import type { CDPSession, Page } from "playwright-core";
import { visit } from "../../support/browser.ts";
import { type Flood, PACE_MS, startFlood } from "./flood.ts";
import type { Case, SiteRig } from "./rig.ts";

/** All states of a page, and those of them after which it keeps no more of its past. */
const STATES = 10_000;
const WARM = 1_000;

/** The heap may be larger by this much after the others. One text that stayed of each would be more. */
const GROWTH_BYTES_MAX = 400_000;

/** The limit of states that are under way to the page. */
const WAITING_MAX = 250;

/** On a machine that does much else. */
const STATES_MS_MAX = 150_000;

/** The same rows have the same number of nodes, and a warning that comes and goes has one or two. */
const GROWTH_NODES_MAX = 20;

/**
 * Counts the states. With each of them the page's clock goes a second forward, which is the pace of a daemon
 * without changes. Else the page would keep all states as those of the last seconds.
 * Charts have no texts, because to draw those takes longer than all else.
 */
const PACE = `globalThis.states = 0;
CanvasRenderingContext2D.prototype.fillText = () => {};
const realNow = performance.now.bind(performance);
performance.now = () => realNow() + ${PACE_MS} * states;
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    this.addEventListener("message", () => { states++; });
  }
};`;

/** All of the page stays, and is not painted: no paint is kept, and it would take most of the time. */
const UNSEEN = "document.body.style.contentVisibility = 'hidden'";

export const MEMORY: readonly Case<SiteRig>[] = [
  {
    title: `the memory of a page is flat over ${STATES} states`,
    run: async ({ browser, site }) => {
      const flood = await startFlood(site.url("evidence"));
      try {
        await visit(
          browser,
          flood.url,
          async (page) => {
            await page.evaluate(UNSEEN);
            const session = await page.context().newCDPSession(page);
            await flow(flood, page, 0, WARM);
            const before = await memoryOf(session);
            await flow(flood, page, WARM, STATES);
            const after = await memoryOf(session);
            expect(after.bytes - before.bytes).toBeLessThan(GROWTH_BYTES_MAX);
            expect(after.nodes - before.nodes).toBeLessThan(GROWTH_NODES_MAX);
          },
          // With less movement a chart is drawn every ten seconds of the page. Else drawing takes all the time.
          { script: PACE, reducedMotion: "reduce" },
        );
      } finally {
        await flood.stop();
      }
    },
  },
];

interface Memory {
  /** The heap of JavaScript, without garbage. */
  readonly bytes: number;
  /** All nodes of the document. */
  readonly nodes: number;
}

/** Sends the states from one count to another. The page asks for a new stream if states wait for long. */
async function flow(flood: Flood, page: Page, from: number, to: number): Promise<void> {
  let sent = from;
  const deadline = performance.now() + STATES_MS_MAX;
  for (let got = from; got < to; got = await page.evaluate<number>("states")) {
    const more = Math.max(0, Math.min(to, got + WAITING_MAX) - sent);
    if (more > 0) flood.send(more);
    sent += more;
    if (performance.now() > deadline) throw new Error(`the page has ${got} states, and not yet ${to}`);
  }
}

async function memoryOf(session: CDPSession): Promise<Memory> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes } = await session.send("Memory.getDOMCounters");
  return { bytes: usedSize, nodes };
}
