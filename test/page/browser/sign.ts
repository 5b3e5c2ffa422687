/** An operator clears a sign that the judge raised. */

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { logIn, tabTo } from "./acting.ts";
import type { Case, SiteRig } from "./rig.ts";
import { expectUsable } from "./showing.ts";

export const SIGN: readonly Case<SiteRig>[] = [
  {
    title: "a raised sign holds the release, and an operator clears it by keyboard, with a reason",
    run: ({ browser, site }) =>
      visit(browser, site.url("sign"), async (page) => {
        const sign = page.getByRole("region", { name: "Evidence" }).getByRole("listitem");
        await sign.filter({ hasText: "sign place is raised: the release is held" }).waitFor();
        await page
          .getByText(/^a person: the judge raised the sign place: visitors were served by another version/)
          .waitFor();
        await logIn(page);
        await page.getByRole("button", { name: "Clear the sign place" }).waitFor();
        await tabTo(page, "Clear the sign place");
        await page.keyboard.press("Enter");
        await page
          .getByText("Clear the sign place: it lets the release go on although the judge raised this sign.")
          .waitFor();
        await expectUsable(page, "sign-confirm");
        // Without a reason nothing is sent.
        await page.keyboard.press("Enter");
        expect(clearedIn(site.home.storePath)).toBeUndefined();
        await page.keyboard.type("a stray proxy, which is gone");
        await page.keyboard.press("Enter");
        await eventually(() => clearedIn(site.home.storePath) !== undefined, "the clearing");
        expect(clearedIn(site.home.storePath)).toEqual([
          ["place", expect.stringMatching(/^ada@/), "a stray proxy, which is gone"],
        ]);
        await sign.filter({ hasText: "sign place was cleared" }).waitFor();
        await page.getByRole("button", { name: "Clear the sign place" }).waitFor({ state: "detached" });
      }),
  },
];

function clearedIn(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8")).sign.canary.release.cleared;
}
