/** News that stop: a store that is away, and a daemon that is killed and comes back. */

import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { FRESH_MS } from "../../../src/page/browser/ages.ts";
import { visit } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { abort, logIn } from "./acting.ts";
import type { Case, WebsiteRig } from "./rig.ts";
import { expectUsable } from "./showing.ts";

/** Requests while the daemon is gone, and the write of an operator whose login ended with it. */
const GONE = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|status of 401/;

/** Notes each headline that the page ever shows as new, also for a moment. */
const NOTE_FRESH = `globalThis.fresh = [];
new MutationObserver(() => {
  const isOld = document.querySelector("[role=alert]") !== null;
  const headline = document.querySelector(".headline")?.textContent;
  if (!isOld && fresh.at(-1) !== headline) fresh.push(headline);
}).observe(document.body, { subtree: true, childList: true, characterData: true })`;

export const NEWS: readonly Case<WebsiteRig>[] = [
  {
    title: "a store that is away: the visitors get master, the fault, and all is well when it is back",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.release();
        const headline = page.getByText(/running, step 2\/4, at 5%/).first();
        await headline.waitFor();
        website.home.loseStore();
        const tooOld = page.getByText("The snapshot of the store is too old, so all visitors get master.");
        await tooOld.waitFor();
        await page
          .getByText(/^The store cannot be read, so the release and the history below may be old: /)
          .waitFor();
        await page.getByText("master: 100%").waitFor();
        const age = page.getByText(/^The store was read \d+s ago\.$/);
        await age.waitFor();
        // The sentence is still the last one. The command has none without its store.
        expect(await headline.isVisible()).toBeTrue();
        await expectUsable(page, "stale");
        website.release();
        await age.waitFor({ state: "detached" });
        await tooOld.waitFor({ state: "detached" });
        await page.getByText("canary: 5% of the circle").waitFor();
      }),
  },
  {
    title: "a store that is away while a version is held: it has its visitors, and no text says master",
    run: ({ browser, website }) =>
      visit(browser, website.url, async (page) => {
        website.home.write({ canary: { rollout: 1, failsafe: "hold" } });
        await page.getByText("canary: 100% of the circle").waitFor();
        await page.getByText("no end: by failsafe hold, canary is kept if the store is lost").waitFor();
        website.home.loseStore();
        await page.getByText("store lost, canary is kept").waitFor();
        expect(await website.home.ask("0.7")).toBe("canary");
        await page
          .getByText("The snapshot of the store is too old. By failsafe hold, canary keeps all visitors.")
          .waitFor();
        expect(await page.getByText(/all visitors get master/).count()).toBe(0);
        website.release();
        await page.getByText("canary: 5% of the circle").waitFor();
      }),
  },
  {
    title:
      "a daemon that is killed: all is old, nothing can be pressed, and its next life begins with new news",
    run: ({ browser, website }) =>
      visit(
        browser,
        website.url,
        async (page) => {
          website.release();
          await logIn(page);
          const wayBack = page.getByRole("button", { name: "Abort" });
          expect(await wayBack.isDisabled()).toBeFalse();
          await page.getByText("live", { exact: true }).waitFor();
          await website.kill();
          await silence(page).waitFor();
          expect(await page.getByText("live", { exact: true }).count()).toBe(0);
          await page.getByText(/^The daemon is silent\. All of this is \d+s old\.$/).waitFor();
          expect(await wayBack.isDisabled()).toBeTrue();
          await expectUsable(page, "killed");
          const clock = await page.getByText(/^running for /).innerText();
          website.release({ step: 3, wrote: [0.25, 0.25], seq: 5, since: HOUR_AGO });
          await page.evaluate(NOTE_FRESH);
          expect(await page.getByText(/^running for /).innerText()).toBe(clock);
          await website.startAgain();
          await silence(page).waitFor({ state: "detached" });
          await page
            .getByText(/running, step 3\/4, at 25%/)
            .first()
            .waitFor();
          const fresh = await page.evaluate<readonly string[]>("fresh");
          expect(fresh.filter((text) => !/step 3\/4/.test(text))).toEqual([]);

          await abort(page);
          await page.getByText("log in to write").waitFor();
          await page.getByRole("button", { name: "Log in to act" }).waitFor();
          expect(website.record.release.state).toBe("running");
        },
        { expected: GONE },
      ),
  },
  {
    title: "a machine that slept: its page is not new for a moment, and says how old all is",
    run: ({ browser, website }) =>
      visit(
        browser,
        website.url,
        async (page) => {
          website.release();
          await page.getByText("live", { exact: true }).waitFor();
          await website.kill();
          await page.evaluate("slept = 3_600_000");
          await page.getByText(/^The daemon is silent\. All of this is 1h( \d+s)? old\.$/).waitFor();
          await website.startAgain();
          await page.getByText("live", { exact: true }).waitFor();
        },
        { expected: GONE, script: SLEEP },
      ),
  },
  {
    title: "code that comes late: the state that came before it is shown as old",
    run: ({ browser, website }) =>
      visit(
        browser,
        "about:blank",
        async (page) => {
          website.release();
          let go = () => {};
          const late = new Promise<void>((resolve) => {
            go = resolve;
          });
          await page.route("**/main.js", async (route) => {
            const response = await route.fetch();
            await late;
            await route.fulfill({ response });
          });
          await page.goto(website.url, { waitUntil: "commit" });
          await eventually(() => page.evaluate<boolean>("states > 0"), "a state before the code");
          await website.kill();
          await Bun.sleep(FRESH_MS);
          await page.evaluate(NOTE_FRESH);
          go();
          await silence(page).waitFor();
          await page.getByText(/^The daemon is silent\. All of this is \d+s old\.$/).waitFor();
          expect(await page.evaluate<readonly string[]>("fresh")).toEqual([]);
          expect(await page.getByText("Asking the daemon").count()).toBe(0);
          await website.startAgain();
          await page.getByText("live", { exact: true }).waitFor();
        },
        { expected: GONE, script: COUNT_STATES },
      ),
  },
];

/** Counts the states that have come. */
const COUNT_STATES = `globalThis.states = 0;
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    this.addEventListener("message", () => { states++; });
  }
};`;

/** After a sleep, the wall clock of a machine has gone on, and its monotonic one has not. */
const SLEEP = `globalThis.slept = 0;
const wallNow = Date.now;
Date.now = () => wallNow() + slept;`;

const HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString();

function silence(page: Page) {
  return page.getByRole("alert").filter({ hasText: "The daemon is silent." });
}
