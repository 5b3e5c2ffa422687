/** What is special about HAProxy's configurations, beside what the conformance suite asks of every integration. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/daemon-process.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { Rig } from "./conformance/rig.ts";
import { haproxyMap, haproxySpoe } from "./proxies/haproxy.ts";

describe.skipIf(haproxyMissing() !== undefined).each([haproxyMap, haproxySpoe])("$name", (integration) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start(integration);
  });

  afterAll(() => rig.stop());

  test("of two cookies HAProxy takes the last one", async () => {
    for (const [cookie, name] of [
      ["maxwellsdaemon=0.1; maxwellsdaemon=0.9", "master"],
      ["maxwellsdaemon=0.9; maxwellsdaemon=0.1", "canary"],
    ] as const) {
      const { name: served, cookies } = await rig.withCookie(cookie);
      expect({ name: served, cookies }).toEqual({ name, cookies: [] });
    }
  });

  test("of two cookies of which one is garbage, the last one counts as well", async () => {
    for (const garbage of ["x", "x".repeat(14_000), `0.${"1".repeat(14_000)}`]) {
      const { status, cookies } = await rig.withCookie(`maxwellsdaemon=0.1; maxwellsdaemon=${garbage}`);
      expect([status, cookies.length]).toEqual([200, 1]);
    }
  });

  test("maintenance mode outlasts the daemon", async () => {
    rig.write({ canary: 0.25, maintenance: 1 });
    await eventually(async () => (await rig.known(0.1)).status === 503, "maintenance mode");
    await rig.daemon.end("SIGKILL");
    const untilMs = performance.now() + integration.graceMs + 200;
    while (performance.now() < untilMs) expect((await rig.known(0.1)).status).toBe(503);
    rig.write({ canary: 0.25, maintenance: 0 });
    rig.daemon = await rig.home.start();
    await eventually(async () => (await rig.known(0.1)).status === 200, "the end of maintenance mode");
    await rig.becomes(0.1, "canary");
  });
});
