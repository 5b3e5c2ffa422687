/** When a page has painted its first state: the release itself, and not that it waits for the daemon. */

import type { Browser, CDPSession, Page } from "playwright-core";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { runDelayMs } from "../../support/run-delay.ts";

/** The name of the mark for the time of that paint. */
export const FIRST_STATE = "first state";

/**
 * Sets the mark when the browser has painted the first element of this selector. It must be a script of the
 * visit. The browser reports the paint later, with its time, and the mark gets that time.
 */
export function tellFirst(selector: string): string {
  return `new MutationObserver((_, self) => {
    const element = document.querySelector("${selector}");
    if (element === null) return;
    self.disconnect();
    element.setAttribute("elementtiming", "first");
  }).observe(document, { subtree: true, childList: true });
  new PerformanceObserver((list) => {
    for (const { renderTime } of list.getEntries()) {
      performance.mark("${FIRST_STATE}", { startTime: renderTime });
    }
  }).observe({ type: "element", buffered: true });`;
}

/** Resolves with the time of the mark, in milliseconds since the browser began to go to the page. */
export async function untilFirstState(page: Page): Promise<number> {
  const marked = `performance.getEntriesByName("${FIRST_STATE}")[0]?.startTime ?? -1`;
  let paintedMs = -1;
  await eventually(async () => {
    paintedMs = await page.evaluate<number>(marked);
    return paintedMs >= 0;
  }, "the paint of the first state");
  return paintedMs;
}

/** A new tab has a process of its own, which is busy with its start for that time. */
const TAB_MS = 500;

/**
 * The milliseconds from the address to the paint of the first element of the selector, in a new tab and with
 * nothing in the cache. The time in which other programs had the page's processor does not count.
 */
export function firstPaintMs(browser: Browser, url: string, selector: string): Promise<number> {
  return visit(
    browser,
    "about:blank",
    async (page) => {
      const session = await browser.newBrowserCDPSession();
      await Bun.sleep(TAB_MS);
      const before = await renderersOf(session);
      await page.goto(url, { waitUntil: "commit" });
      const paintedMs = await untilFirstState(page);
      const after = await renderersOf(session);
      await session.detach();
      return paintedMs - delayOfBusiest(before, after);
    },
    { script: tellFirst(selector) },
  );
}

/** By process id, in milliseconds so far. */
type Renderers = ReadonlyMap<number, { readonly workMs: number; readonly delayMs: number }>;

async function renderersOf(session: CDPSession): Promise<Renderers> {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return new Map(
    processInfo
      .filter(({ type }) => type === "renderer")
      .map(({ id, cpuTime }) => [id, { workMs: cpuTime * 1_000, delayMs: runDelayMs(id) }]),
  );
}

/** The process of the page is the one that worked most. */
function delayOfBusiest(before: Renderers, after: Renderers): number {
  const grown = Array.from(after, ([id, { workMs, delayMs }]) => {
    const old = before.get(id) ?? { workMs: 0, delayMs: 0 };
    return { workMs: workMs - old.workMs, delayMs: delayMs - old.delayMs };
  });
  return grown.toSorted((a, b) => b.workMs - a.workMs)[0]?.delayMs ?? 0;
}
