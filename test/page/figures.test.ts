/** The page in a real browser, held to milliseconds and bytes. */

import "../support/alone.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { chromiumMissing, openBrowser, visit } from "../support/browser.ts";
import { redisMissing } from "../support/redis-server.ts";
import { bestRound } from "../support/rounds.ts";
import { Crowd } from "./browser/crowd.ts";
import { expectUsable } from "./browser/showing.ts";

const START_MS = 60_000;

/** From a write in the store to the page. */
const NEWS_MS_MAX = 200;

const missing = chromiumMissing() ?? redisMissing("redis-server");
if (missing !== undefined) console.warn(`skipped: figures of the page in a browser: ${missing}`);

describe.skipIf(missing !== undefined)("a page of three hundred applications", () => {
  let browser: Browser;
  let crowd: Crowd;

  beforeAll(async () => {
    [browser, crowd] = await Promise.all([openBrowser(), Crowd.start()]);
  }, START_MS);

  afterAll(async () => {
    await browser?.close();
    await crowd?.stop();
  });

  test("can be used, and finds an application", () =>
    visit(browser, crowd.url, async (page) => {
      const items = page.getByRole("navigation", { name: "Applications" }).getByRole("listitem");
      await items.first().waitFor();
      expect(await items.count()).toBe(300);
      // The colours of a row are those of the other states, and axe-core takes seconds for three hundred.
      await expectUsable(page, "crowd", ["light"]);
      await page.getByRole("searchbox").fill("shop-29");
      expect(await items.count()).toBe(11);
    }));

  test(`a write in the store is on the page within ${NEWS_MS_MAX} ms`, () =>
    visit(browser, crowd.url, async (page) => {
      await page
        .getByText(/step 2\/4, at /)
        .first()
        .waitFor();
      const measure = async () => {
        const tookMs: number[] = [];
        for (let n = 1; n <= 7; n++) {
          const rollout = 0.05 + n / 1_000;
          const beganMs = performance.now();
          const share = `${Number((rollout * 100).toFixed(1))}%`;
          const seen = page.evaluate(whenShown(`at ${share};`, `canary: ${share} of the circle`));
          await crowd.write(rollout);
          await seen;
          tookMs.push(performance.now() - beganMs);
          // Not at the same time after a state each time.
          await Bun.sleep(300 + 90 * n);
        }
        return medianOf(tookMs);
      };
      expect(await bestRound(measure, (ms) => ms < NEWS_MS_MAX, 3)).toBeLessThan(NEWS_MS_MAX);
    }));
});

/** Resolves in the browser when all these texts are on the page. */
function whenShown(...texts: readonly string[]): string {
  return `new Promise((resolve) => {
    const look = () => {
      const { textContent } = document.body;
      if (${JSON.stringify(texts)}.every((text) => textContent.includes(text))) resolve();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    look();
  })`;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
