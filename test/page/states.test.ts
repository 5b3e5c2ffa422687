/** All states of the page of a real daemon, in a real browser. The cases are in `browser/`. */

import "../support/long.ts";
import { afterAll, beforeAll, describe, test } from "bun:test";
import { chromiumMissing } from "../support/browser.ts";
import { MEMORY } from "./browser/memory.ts";
import { HARM_OVER_TIME } from "./browser/over-time.ts";
import { READING_STATES } from "./browser/reading.ts";
import { type SiteRig, startSite } from "./browser/rig.ts";
import { SHOWING } from "./browser/showing.ts";
import { SIGN } from "./browser/sign.ts";

const START_MS = 60_000;

/** Ten thousand states take a while on a busy machine. */
const LONG_MS = 180_000;

const missing = chromiumMissing();
if (missing !== undefined) console.warn(`skipped: the states of the page in a browser: ${missing}`);

describe.skipIf(missing !== undefined)("in a browser", () => {
  let rig: SiteRig;

  beforeAll(async () => {
    rig = await startSite();
  }, START_MS);

  afterAll(async () => {
    await rig?.browser.close();
    await rig?.site.stop();
  });

  describe("the page shows", () => {
    test.each(SHOWING)("$title", ({ run }) => run(rig));
  });

  describe("the judge raised a sign", () => {
    test.each(SIGN)("$title", ({ run }) => run(rig));
  });

  describe("the page draws", () => {
    test.each(HARM_OVER_TIME)("$title", ({ run }) => run(rig));
  });

  describe("the page is read", () => {
    test.each(READING_STATES)("$title", ({ run }) => run(rig));
  });

  describe("the page stays open", () => {
    test.each(MEMORY)("$title", ({ run }) => run(rig), LONG_MS);
  });
});
