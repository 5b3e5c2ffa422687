/** The page for those who read it another way: by ear, on paper, and without movement. */

import { expect } from "bun:test";
import type { Transition } from "../../../src/releases/release.ts";
import { picture, visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import type { Case, SiteRig, WebsiteRig } from "./rig.ts";

/** Counts the changes that a screen reader reads aloud. */
const COUNT_SPOKEN = `globalThis.spoken = 0;
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
    if (element?.closest("[role=status], [role=alert], [aria-live]") !== null) spoken++;
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true })`;

/** Sections with a drawing of which a screen reader gets neither a table nor a list. */
const UNTOLD = `[...document.querySelectorAll("section:has(svg, canvas)")]
  .filter((section) => section.querySelector("table, ul, ol, dl") === null)
  .map((section) => section.ariaLabel)`;

/** Elements that move, or would if they changed. */
const MOVING = `[...document.querySelectorAll("*")].filter((element) => {
  const { animationName, transitionDuration } = getComputedStyle(element);
  return animationName !== "none" || transitionDuration !== "0s";
}).length + document.getAnimations().length`;

/** The brightness of the text, from 0 to 255. */
const BRIGHTNESS = `Math.max(...getComputedStyle(document.querySelector("h1")).color.match(/\\d+/g).map(Number))`;

export const READING: readonly Case<WebsiteRig>[] = [
  {
    title: "a screen reader hears the headline when it changes, and not each second that a wait goes on",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await page
          .getByText(/running, step 2\/4/)
          .first()
          .waitFor();
        const headline = page.getByRole("status").filter({ hasText: "running, step 2/4" });
        expect(await headline.getAttribute("aria-live")).toBe("polite");
        await page.evaluate(COUNT_SPOKEN);
        const clock = page.getByText(/^running for /);
        const before = await clock.innerText();
        await eventually(async () => {
          const passed = /for (\d+)s/.exec(await clock.innerText())?.[1];
          return Number(passed) >= Number(/for (\d+)s/.exec(before)?.[1]) + 2;
        }, "two seconds of the wait");
        expect(await page.evaluate<number>("spoken")).toBe(0);
        website.release({ step: 3, wrote: [0.25, 0.25], seq: 5 });
        await page.getByRole("status").filter({ hasText: "running, step 3/4, at 25%" }).waitFor();
        expect(await page.evaluate<number>("spoken")).toBeGreaterThan(0);
      }),
  },
  {
    title:
      "the changes that are folded on a screen are on paper, and the log of a long release is whole there",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        const beganMs = Date.now() - 3_600_000;
        const log = Array.from({ length: CHANGES }, (_, n): Transition => {
          const rollout = (n + 1) / 100;
          return [n + 1, beganMs + n * 60_000, "running", 2, rollout, "ada@web-1"];
        });
        website.release({ log, seq: CHANGES, wrote: [CHANGES / 100, 0.25] });
        await page.getByText(`${CHANGES - 10} older`).waitFor();
        const oldest = page.getByText("canary 1%", { exact: true });
        expect(await oldest.isVisible()).toBeFalse();
        await page.emulateMedia({ media: "print" });
        expect(await oldest.isVisible()).toBeTrue();
      }),
  },
];

export const READING_STATES: readonly Case<SiteRig>[] = [
  {
    title: "each drawing has its figures as text",
    run: ({ browser, site }) =>
      visit(browser, site.url("evidence"), async (page) => {
        await page.getByRole("region", { name: "Evidence" }).getByRole("table").first().waitFor();
        expect(await page.locator("section svg, section canvas").count()).toBeGreaterThan(0);
        expect(await page.evaluate(UNTOLD)).toEqual([]);
      }),
  },
  {
    title: "nothing moves for a person who wants less movement",
    run: ({ browser, site }) =>
      visit(
        browser,
        site.url("running"),
        async (page) => {
          await page.getByRole("meter", { name: "harm" }).waitFor();
          await page.getByRole("progressbar").first().waitFor({ state: "attached" });
          expect(await page.evaluate<number>(MOVING)).toBe(0);
        },
        { reducedMotion: "reduce" },
      ),
  },
  {
    title: "on paper it is dark on white, without buttons, also if the screen is dark",
    run: ({ browser, site }) =>
      visit(
        browser,
        site.url("paused"),
        async (page) => {
          await page.getByRole("button", { name: "Log in to act" }).waitFor();
          expect(await page.evaluate<number>(BRIGHTNESS)).toBeGreaterThan(200);
          await page.emulateMedia({ media: "print", colorScheme: "dark" });
          expect(await page.evaluate<number>(BRIGHTNESS)).toBeLessThan(100);
          expect(await page.getByRole("button").count()).toBe(0);
          expect(await page.getByRole("textbox").count()).toBe(0);
          expect(await page.evaluate<number>(MOVING)).toBe(0);
          await page.getByText("lunch, back at two").first().waitFor();
          await picture(page, "paper");
        },
        { colorScheme: "dark" },
      ),
  },
];

/** More than the page shows unfolded. */
const CHANGES = 14;
