/** What is special about HAProxy's configurations, beside what the conformance suite asks of every integration. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/daemon-process.ts";
import { fillHaproxy, haproxyMissing, startHaproxy, upstreamPath } from "../support/haproxy.ts";
import { startLyingAgent } from "../support/lying-agent.ts";
import { freePort } from "../support/port.ts";
import { type Seen, startUpstream } from "../support/upstream.ts";
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

describe.skipIf(haproxyMissing() !== undefined)(
  "HAProxy, SPOE, with another agent in the daemon's place",
  () => {
    test.each([
      ["0.5", 1],
      ["0.1\r\nX-Evil: 1", 0],
      ["0.1; Path=/a", 0],
      ["9".repeat(33), 0],
    ] as const)("%p is so many visitors' cookie: %d", async (assignment, count) => {
      const directory = mkdtempSync(join(tmpdir(), "haproxy-agent-"));
      const agent = startLyingAgent(join(directory, "spop.sock"), assignment);
      const upstreams = (["master", "canary"] as const).map((name) =>
        startUpstream(name, upstreamPath(directory, name)),
      );
      const port = await freePort();
      const haproxy = await startHaproxy(fillHaproxy("spoe", { directory, port, allowForce: false }), port);
      try {
        const visit = async () => {
          const response = await fetch(haproxy.url);
          return { cookies: response.headers.getSetCookie(), seen: (await response.json()) as Seen };
        };
        await eventually(async () => (await visit()).seen.name === "canary", "the agent decides");
        expect((await visit()).cookies).toHaveLength(count);
      } finally {
        await haproxy.stop();
        agent.stop(true);
        for (const upstream of upstreams) upstream.stop();
        rmSync(directory, { recursive: true });
      }
    });
  },
);
