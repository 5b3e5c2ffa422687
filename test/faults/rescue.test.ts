/**
 * The speed of a rescue behind real proxies, by one daemon on a file. The bench has each store, and a fleet
 * (`npm run bench -- rescue`).
 */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSite } from "../../bench/rescue/site.ts";
import { startVersions } from "../../bench/rescue/versions.ts";
import { Rescue } from "../../bench/rescue/visitors.ts";
import { openFor, startRelease } from "../../bench/stores/operator.ts";
import { directoryOf, type Stops } from "../../bench/ways.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { nginxMissing } from "../support/nginx.ts";

const ARC = { offset: 0.4, share: 0.01 };
const PLAN = "1%:1h,100%:1h";

/** A visitor of the canary comes each second. */
const PACE = { everyMs: 100, canaryOneIn: 10 };

/** The first outcomes of a step do not count for ten seconds. */
const GRACE_MS = 11_000;

const RESCUE_MS_MAX = 3_000;
const HURT_MAX = 8;

const missing = nginxMissing() ?? haproxyMissing();
if (missing !== undefined) console.warn(`skipped: a rescue behind proxies: ${missing}`);

test.skipIf(missing !== undefined)(
  "behind nginx and HAProxy, a canary that fails for each visitor is taken back in 3 s from its third victim on",
  async () => {
    const stops: Stops = [];
    try {
      const path = join(directoryOf(stops), "rollouts.json");
      writeFileSync(path, "{}");
      const running = { address: `file:${path}` };
      const store = await openFor(running, stops);
      const versions = await startVersions(stops);
      const applications = { nginx: ["website"], HAProxy: ["shop"] };
      const site = { store: running, name: "web-1", applications, delayMs: 100, versions };
      const urls = await startSite(site, stops);
      for (const application of urls.keys()) await startRelease(store, application, PLAN, ARC.offset);
      await Bun.sleep(GRACE_MS);
      const countsFromMs = performance.now();
      const rescues = Array.from(urls.values(), (url) =>
        new Rescue({ urls: [url], ...ARC, pace: PACE, countsFromMs }).run(),
      );
      for (const { tookMs, hurt } of await Promise.all(rescues)) {
        console.log(`rescue behind a proxy: ${Math.round(tookMs)} ms, ${hurt} visitors hurt`);
        expect(tookMs).toBeLessThan(RESCUE_MS_MAX);
        expect(hurt).toBeLessThanOrEqual(HURT_MAX);
      }
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  },
  120_000,
);
