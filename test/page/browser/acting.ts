/** An operator who acts on the page: by keyboard alone, at the same time as another one, and too late. */

import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import type { Case, WebsiteRig } from "./rig.ts";
import { expectUsable } from "./showing.ts";
import { TOKEN } from "./site.ts";

/** More presses than the page has places for the focus. */
const PRESSES_MAX = 40;

/** A refused write is a failed request to the browser. */
const REFUSED = /status of 4\d\d .*\/api\/act/;

export const ACTING: readonly Case<WebsiteRig>[] = [
  {
    title: "an operator logs in, aborts with a reason, and promotes, by keyboard alone",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await page.getByRole("button", { name: "Log in to act" }).waitFor();
        await tabTo(page, "name");
        await page.keyboard.type("ada");
        await page.keyboard.press("Tab");
        await page.keyboard.type(TOKEN);
        await page.keyboard.press("Enter");
        await page.getByRole("button", { name: "Abort" }).waitFor();

        await tabTo(page, "Promote to 25%");
        await page.keyboard.press("Enter");
        await page.keyboard.type("it is well");
        await page.keyboard.press("Enter");
        await eventually(() => website.record.release.step === 3, "the promotion");
        expect(website.record.rollout).toBe(0.25);

        await page.getByRole("button", { name: "Promote to 100%" }).waitFor();
        await tabTo(page, "Abort");
        await page.keyboard.press("Enter");
        await page.keyboard.type("INC-42: checkout fails");
        await page.keyboard.press("Enter");
        await eventually(() => website.record.release.state === "aborted", "the abort");
        expect(website.record).toMatchObject({ rollout: 0, why: "INC-42: checkout fails" });
        expect(website.record.updatedBy).toStartWith("ada@");
      }),
  },
  {
    title:
      "abort is the first thing on the page that the keyboard reaches, always in sight, and Escape leaves it",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await logIn(page);
        await page.getByRole("button", { name: "Abort" }).waitFor();
        await page.evaluate("scrollTo(0, document.body.scrollHeight)");
        expect(await page.evaluate<string>(FIRST_STOP)).toBe("Abort");
        await expectInSight(page, "Abort");
        await tabTo(page, "Abort");
        await page.keyboard.press("Enter");
        const form = page.getByRole("form", { name: "Abort" });
        await form.waitFor();
        await expectUsable(page, "confirm");
        await page.keyboard.press("Escape");
        await form.waitFor({ state: "detached" });
        await eventually(async () => (await focused(page)) === "Abort", "the focus on the button again");
        expect(website.record.release.state).toBe("running");
      }),
  },
  {
    title: "the way back names the share of now, also if the release went on after it was chosen",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await logIn(page);
        await page.getByRole("button", { name: "Abort" }).click();
        await page.getByText("Abort: it takes 5% of the visitors back to master, at once.").waitFor();
        await page.keyboard.type("INC-");
        website.release({ step: 4, wrote: [1, 0.25], seq: 6, state: "promoted" });
        await page.getByText("Undo: it takes all visitors back to master, at once.").waitFor();
        await page.keyboard.type("42");
        await page.keyboard.press("Enter");
        await eventually(() => website.record.release.state === "aborted", "the way back");
        expect(website.record).toMatchObject({ rollout: 0, why: "INC-42" });
      }),
  },
  {
    title: "two operators promote the same step: one step is taken, and the other is told",
    run: ({ browser, website }) =>
      visit(
        browser,
        website.url,
        (one) =>
          visit(
            browser,
            website.url,
            async (other) => {
              website.release();
              for (const page of [one, other]) {
                await logIn(page);
                await page.getByRole("button", { name: "Promote to 25%" }).click();
              }
              await Promise.all([one, other].map((page) => confirm(page, "Promote to 25%")));
              const told = await Promise.all([one, other].map(answerOf));
              expect(told.filter((text) => text.includes("step 3/4, canary 5% → 25%"))).toHaveLength(1);
              expect(told.filter((text) => text.includes("nothing was written"))).toHaveLength(1);
              expect(website.record).toMatchObject({ rollout: 0.25, release: { step: 3 } });
            },
            { expected: REFUSED },
          ),
        { expected: REFUSED },
      ),
  },
  {
    title: "a promotion that was chosen at step 2, and confirmed after the release went on, is refused",
    run: ({ browser, website }) =>
      visit(
        browser,
        website.url,
        async (page) => {
          website.release();
          await logIn(page);
          await page.getByRole("button", { name: "Promote to 25%" }).click();
          website.release({ step: 3, wrote: [0.25, 0.25], seq: 5 });
          await page
            .getByText(/running, step 3\/4, at 25%/)
            .first()
            .waitFor();
          await confirm(page, "Promote to 25%");
          expect(await answerOf(page)).toContain("nothing was written");
          expect(website.record).toMatchObject({ rollout: 0.25, release: { step: 3 } });
        },
        { expected: REFUSED },
      ),
  },
];

export async function logIn(page: Page, name = "ada"): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Log in to act" }).click();
  await page.getByRole("region", { name: "Actions" }).waitFor();
}

/** Chooses the abort, and confirms it with a reason. */
export async function abort(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Abort" }).click();
  await page.getByRole("form", { name: "Abort" }).getByLabel("Why").fill("INC-42");
  await confirm(page, "Abort");
}

/** Presses the button in the form of a verb that was chosen. */
function confirm(page: Page, verb: string): Promise<void> {
  return page.getByRole("form", { name: verb }).getByRole("button", { name: verb }).click();
}

/** The daemon's answer to the last write. */
async function answerOf(page: Page): Promise<string> {
  const answer = page.getByRole("region", { name: "Actions" }).getByRole("status");
  await answer.waitFor();
  return answer.innerText();
}

/** The first thing that the tab key reaches from the top of the page. */
const FIRST_STOP = `[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
  .find((element) => element.tabIndex >= 0 && !element.disabled).innerText`;

async function expectInSight(page: Page, button: string): Promise<void> {
  const box = await page.getByRole("button", { name: button }).boundingBox();
  const height = page.viewportSize()?.height ?? 0;
  expect(box?.y).toBeGreaterThanOrEqual(0);
  expect((box?.y ?? height) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
}

/** Presses Tab until the focus is on this button, or on the input with this name. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let n = 0; n < PRESSES_MAX; n++) {
    if ((await focused(page)) === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

function focused(page: Page): Promise<string> {
  return page.evaluate<string>("document.activeElement.innerText || document.activeElement.name || ''");
}
