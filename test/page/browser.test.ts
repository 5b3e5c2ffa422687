/** The page of real daemons in a real browser. The cases are in `browser/`; this file only runs them. */

import "../support/long.ts";
import { afterAll, beforeAll, describe, test } from "bun:test";
import { chromiumMissing } from "../support/browser.ts";
import { ACTING } from "./browser/acting.ts";
import { BY_HAND } from "./browser/by-hand.ts";
import { EXPOSED } from "./browser/exposed.ts";
import { MEMORY } from "./browser/memory.ts";
import { NEWS } from "./browser/news.ts";
import { OVER_TIME } from "./browser/over-time.ts";
import { READING } from "./browser/reading.ts";
import { type Rig, startRig, stopRig } from "./browser/rig.ts";
import { SHOWING } from "./browser/showing.ts";
import { SIGN } from "./browser/sign.ts";
import { STRANGERS } from "./browser/strangers.ts";

const START_MS = 60_000;

/** Ten thousand states take a while on a busy machine. */
const LONG_MS = 180_000;

const missing = chromiumMissing();
if (missing !== undefined) console.warn(`skipped: the page in a browser: ${missing}`);

describe.skipIf(missing !== undefined)("in a browser", () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await startRig();
  }, START_MS);

  afterAll(async () => {
    if (rig !== undefined) await stopRig(rig);
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

  describe("the page shows", () => {
    test.each(SHOWING)("$title", ({ run }) => run(rig));
  });

  describe("the judge raised a sign", () => {
    test.each(SIGN)("$title", ({ run }) => run(rig));
  });

  describe("the page draws", () => {
    test.each(OVER_TIME)("$title", ({ run }) => run(rig));
  });

  describe("the page is read", () => {
    test.each(READING)("$title", ({ run }) => run(rig));
  });

  describe("the page stays open", () => {
    test.each(MEMORY)("$title", ({ run }) => run(rig), LONG_MS);
  });

  describe("the news stop", () => {
    test.each(NEWS)("$title", ({ run }) => run(rig));
  });
});
