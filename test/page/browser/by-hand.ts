/** An operator sets a share by hand, freezes all releases, and looks for a visitor. */

import { expect } from "bun:test";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { logIn } from "./acting.ts";
import { violationsOf } from "./axe.ts";
import type { Case, WebsiteRig } from "./rig.ts";

export const BY_HAND: readonly Case<WebsiteRig>[] = [
  {
    title:
      "a share by hand says what it takes, and pauses the release; more than the release has is not possible",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await logIn(page);
        await page.getByRole("button", { name: "Abort" }).waitFor();
        await page.getByRole("button", { name: "Set a share" }).click();
        const form = page.getByRole("form", { name: "Set" });
        await form.getByLabel("Share in %").fill("50");
        await form
          .getByText(/^release 7 is running, so its verbs raise canary, and set does not\.$/)
          .waitFor();
        expect(await form.getByRole("button", { name: "Set", exact: true }).isDisabled()).toBeTrue();
        await form.getByLabel("Share in %").fill("2");
        await form
          .getByText("It takes 3% of the visitors back from canary, at once, and pauses release 7.")
          .waitFor();
        expect(await violationsOf(page)).toEqual([]);
        await form.getByLabel("Why").fill("too many calls");
        await form.getByRole("button", { name: "Set canary to 2%" }).click();
        await eventually(() => website.record.rollout === 0.02, "the share");
        expect(website.record).toMatchObject({ why: "too many calls", release: { state: "paused" } });
      }),
  },
  {
    title: "a freeze and its end, each with its consequence",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await logIn(page);
        await page.getByRole("button", { name: "Freeze" }).click();
        await page
          .getByText(/^Freeze: it keeps all releases of this store at their present shares/)
          .waitFor();
        await page.keyboard.type("Black Friday");
        await page.keyboard.press("Enter");
        await page.getByText("releases are frozen: Black Friday").waitFor();
        await page.getByRole("button", { name: "End the freeze" }).click();
        await page.getByText(/^End the freeze: it lets all releases/).waitFor();
        await page.keyboard.press("Enter");
        await page.getByRole("button", { name: "Freeze", exact: true }).waitFor();
      }),
  },
  {
    title: "a visitor is found by its assignment and by its key, and found again after a change",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        await page
          .getByText(/running, step 2\/4, at 5%/)
          .first()
          .waitFor();
        const form = page.getByRole("form", { name: "Find a visitor" });
        const answer = form.getByRole("status");
        await form.getByLabel("Its assignment or key").fill("0.4");
        await form.getByRole("button", { name: "Find" }).click();
        await answer.getByText("0.4 → master, at 0.4: the assignment is outside every arc").waitFor();
        expect(await page.locator("circle.mark").count()).toBe(1);
        website.release({ step: 3, wrote: [0.25, 0.25], seq: 5 });
        await answer.getByText("0.4 → canary, at 0.4: the assignment is in the version's arc").waitFor();
        await form.getByLabel("Find a visitor by").selectOption("key");
        await form.getByLabel("Its assignment or key").fill("user-1");
        await form.getByRole("button", { name: "Find" }).click();
        await answer.getByText(/^user-1 → (canary|master), at 0\.\d+: /).waitFor();
      }),
  },
];
