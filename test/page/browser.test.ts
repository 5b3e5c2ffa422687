/** An operator at the page of a real daemon, in a real browser. The cases are in `browser/`. */

import "../support/long.ts";
import { afterAll, beforeAll, describe, test } from "bun:test";
import { chromiumMissing } from "../support/browser.ts";
import { ACTING } from "./browser/acting.ts";
import { BY_HAND } from "./browser/by-hand.ts";
import { EXPOSED } from "./browser/exposed.ts";
import { NEWS } from "./browser/news.ts";
import { DECISIONS_OVER_TIME } from "./browser/over-time.ts";
import { READING } from "./browser/reading.ts";
import { startWebsite, type WebsiteRig } from "./browser/rig.ts";
import { STRANGERS } from "./browser/strangers.ts";

const START_MS = 60_000;

const missing = chromiumMissing();
if (missing !== undefined) console.warn(`skipped: the page in a browser: ${missing}`);

describe.skipIf(missing !== undefined)("in a browser", () => {
  let rig: WebsiteRig;

  beforeAll(async () => {
    rig = await startWebsite();
  }, START_MS);

  afterAll(async () => {
    await rig?.browser.close();
    await rig?.website.stop();
  });

  describe("an operator acts", () => {
    test.each(ACTING)("$title", ({ run }) => run(rig));
  });

  describe("an operator acts by hand", () => {
    test.each(BY_HAND)("$title", ({ run }) => run(rig));
  });

  describe("another site", () => {
    test.each(STRANGERS)("$title", ({ run }) => run(rig));
  });

  describe("a listener that other machines can reach", () => {
    test.each(EXPOSED)("$title", ({ run }) => run(rig));
  });

  describe("the page draws", () => {
    test.each(DECISIONS_OVER_TIME)("$title", ({ run }) => run(rig));
  });

  describe("the page is read", () => {
    test.each(READING)("$title", ({ run }) => run(rig));
  });

  describe("the news stop", () => {
    test.each(NEWS)("$title", ({ run }) => run(rig));
  });
});
