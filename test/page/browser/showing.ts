/** Each state of the page: in light and dark, to people with impairments, and on a telephone. */

import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { picture, visit } from "../../support/browser.ts";
import { violationsOf } from "./axe.ts";
import type { Case, SiteRig } from "./rig.ts";
import { MARKUP, STATES } from "./site.ts";

/** The narrowest telephone. */
const NARROW = { width: 320, height: 640 };

/** How much lower one column of panels ends than the other, in pixels. */
const GAP = `(() => {
  const [one, other] = [...document.querySelectorAll(".columns > .column > :last-child")]
    .map((panel) => panel.getBoundingClientRect().bottom);
  return Math.abs(one - other);
})()`;

export const SHOWING: readonly Case<SiteRig>[] = [
  ...STATES.map(({ name, says }) => ({
    title: `the state ${name}`,
    run: ({ browser, site }: SiteRig) =>
      visit(browser, site.url(name), async (page) => {
        await page.getByText(says).first().waitFor();
        expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(name);
        expect(await page.evaluate<number>(GAP)).toBeLessThan(1);
        await expectUsable(page, name);
      }),
  })),
  {
    title: "the applications with a text in their name or release, in any case, and how many they are",
    run: ({ browser, site }) =>
      visit(browser, site.url("idle"), async (page) => {
        const list = page.getByRole("navigation", { name: "Applications" });
        await list.getByRole("searchbox").fill(" PAUSED");
        await list
          .getByRole("status")
          .filter({ hasText: `2 of ${STATES.length}` })
          .waitFor();
        expect(await list.getByRole("link").allInnerTexts()).toEqual(["paused", MARKUP]);
        await list.getByRole("searchbox").fill("no such name");
        await list.getByText("None of them has this text.").waitFor();
        expect(await list.getByRole("link").count()).toBe(0);
      }),
  },
  {
    title: "markup in records as text, and runs no code of it",
    run: ({ browser, site }) =>
      visit(browser, site.url(MARKUP), async (page) => {
        await page.getByText("<script>hacked=1</script>").first().waitFor();
        await page.getByText('"><iframe srcdoc=').first().waitFor();
        expect(await page.evaluate("typeof hacked")).toBe("undefined");
        expect(await page.locator("img, iframe, script:not([src]), b[onclick]").count()).toBe(0);
      }),
  },
];

/** Takes pictures, asks axe-core in light and dark, and fails if a reader has to scroll sideways. */
export async function expectUsable(
  page: Page,
  name: string,
  schemes: readonly ("light" | "dark")[] = ["light", "dark"],
): Promise<void> {
  const file = name.replace(/[^a-z0-9-]+/g, "_").slice(0, 20);
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `${file}-${colorScheme}`);
    expect(await violationsOf(page)).toEqual([]);
  }
  const before = page.viewportSize();
  await page.setViewportSize(NARROW);
  await picture(page, `${file}-narrow`);
  expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBe(NARROW.width);
  if (before !== null) await page.setViewportSize(before);
}
