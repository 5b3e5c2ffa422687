/** The charts of the page are drawn under its policy, in each theme, and have their figures as tables. */

import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { violationsOf } from "./axe.ts";
import type { Case, SiteRig, WebsiteRig } from "./rig.ts";

/** The number of points in each drawing that have the colour of the style with this name. */
const pointsOf = (region: string, name: string) => `(() => {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--${name}").trim();
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  const canvas = document.querySelector("section[aria-label='${region}'] canvas");
  if (canvas === null) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] > 200) count++;
  }
  return count;
})()`;

async function untilDrawn(page: Page, region: string, colour: string): Promise<void> {
  await eventually(
    async () => (await page.evaluate<number>(pointsOf(region, colour))) > 20,
    `${colour} in ${region}`,
  );
}

export const HARM_OVER_TIME: readonly Case<SiteRig>[] = [
  {
    title: "harm and its limit over time, in the colours of light, dark and paper",
    run: ({ browser, site }) =>
      visit(browser, site.url("evidence"), async (page) => {
        const region = page.getByRole("region", { name: "Harm over time" });
        await region
          .getByText(/^This page has seen this itself since \d\d:\d\d:\d\d\. It keeps 10m\.$/)
          .waitFor();
        for (const [media, colorScheme] of [
          ["screen", "light"],
          ["screen", "dark"],
          ["print", "dark"],
        ] as const) {
          await page.emulateMedia({ media, colorScheme });
          for (const colour of ["canary", "bad"]) await untilDrawn(page, "Harm over time", colour);
        }
        await page.emulateMedia({ media: "screen", colorScheme: "light" });
        await region.getByText("The same as a table").click();
        const row = region.getByRole("row").nth(1);
        expect(await row.innerText()).toMatch(/^\d\d:\d\d:\d\d\s+-?\d+%\s+(-?\d+%|–)$/);
        expect(await violationsOf(page)).toEqual([]);
      }),
  },
];

export const DECISIONS_OVER_TIME: readonly Case<WebsiteRig>[] = [
  {
    title: "decisions a second by location, and their table",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        const region = page.getByRole("region", { name: "Decisions over time" });
        await eventually(async () => {
          await Promise.all(["0.26", "0.5", "0.7"].map((assignment) => website.home.ask(assignment)));
          return (await page.evaluate<number>(pointsOf("Decisions over time", "master"))) > 20;
        }, "the line of master");
        await region.getByText("The same as a table").click();
        const heads = await region.getByRole("columnheader").allInnerTexts();
        expect(heads).toEqual(["time", "canary", "master"]);
        const cells = await region.getByRole("row").nth(1).getByRole("cell").allInnerTexts();
        expect(cells).toHaveLength(2);
        for (const cell of cells) expect(cell).toMatch(/^\d/);
      }),
  },
];
