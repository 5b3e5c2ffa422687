/** The page of real daemons in a real browser. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { chromiumMissing, openBrowser, picture, visit } from "../support/browser.ts";
import { violationsOf } from "./browser/axe.ts";
import { Site, STATES } from "./browser/site.ts";

const START_MS = 60_000;

/** The narrowest telephone. */
const NARROW = { width: 320, height: 640 };

const missing = chromiumMissing();
if (missing !== undefined) console.warn(`skipped: the page in a browser: ${missing}`);

describe.skipIf(missing !== undefined)("in a browser", () => {
  let browser: Browser;
  let site: Site;

  beforeAll(async () => {
    [browser, site] = await Promise.all([openBrowser(), Site.start()]);
  }, START_MS);

  afterAll(async () => {
    await browser?.close();
    await site?.stop();
  });

  test.each(STATES.map((state) => [state.name, state] as const))(
    "the state %s is shown in light and dark, to people with impairments, and on a telephone",
    async (name, { says }) => {
      await visit(browser, site.url(name), async (page) => {
        await page.getByText(says).first().waitFor();
        expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(name);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          await picture(page, `${pictureName(name)}-${colorScheme}`);
          expect(await violationsOf(page)).toEqual([]);
        }
        await page.setViewportSize(NARROW);
        await picture(page, `${pictureName(name)}-narrow`);
        expect(await widthOf(page)).toBe(NARROW.width);
      });
    },
  );
});

/** The width that the page needs. If it is more than the window has, a reader has to scroll sideways. */
function widthOf(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth");
}

function pictureName(name: string): string {
  return name.replace(/[^a-z-]+/g, "_").slice(0, 20);
}
