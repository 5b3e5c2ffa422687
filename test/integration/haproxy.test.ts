/** What is special about HAProxy's configurations, beside what the conformance suite asks of every integration. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/daemon-process.ts";
import {
  fillHaproxy,
  type HaproxyPlaces,
  haproxyMissing,
  startHaproxy,
  upstreamPath,
} from "../support/haproxy.ts";
import { freePort } from "../support/port.ts";
import { startSpopAgent } from "../support/spop-agent.ts";
import { type Seen, startUpstream } from "../support/upstream.ts";
import type { Integration } from "./conformance/integration.ts";
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

/** By the map, with what an operator writes into the files before each start. */
function edited(edit: (places: HaproxyPlaces, configuration: string) => void): Integration {
  return {
    ...haproxyMap,
    async start(places) {
      const configuration = fillHaproxy("map", places);
      edit(places, configuration);
      return startHaproxy(configuration, places.port);
    },
  };
}

/** Runs `use` with everything at work. */
async function withRig(integration: Integration, use: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await Rig.start(integration);
  try {
    await use(rig);
  } finally {
    await rig.stop();
  }
}

describe.skipIf(haproxyMissing() !== undefined)("HAProxy", () => {
  test("upstreams hear nothing that CGI would take for the daemon's headers: by SPOE, and by the map where its line is in use", async () => {
    const withLine = edited((_, configuration) => {
      const text = readFileSync(configuration, "utf8");
      expect(text).toContain("#option http-restrict-req-hdr-names");
      writeFileSync(configuration, text.replace("#option http-restrict", "option http-restrict"));
    });
    for (const integration of [haproxySpoe, withLine]) {
      await withRig(integration, async (rig) => {
        const forged = ["maxwellsdaemon_location", "canary"] as const;
        const { status, seen } = await rig.withCookie("maxwellsdaemon=0.9", [forged, ["x-a", "b"]]);
        expect([status, seen?.headers["x-a"], seen?.headers["maxwellsdaemon_location"]]).toEqual([
          ...[200, "b"],
          undefined,
        ]);
      });
    }
  });

  test("a start in maintenance mode shows no visitor the site, where the operator has written so into the map", async () => {
    let isWritten = false;
    const integration = edited(({ directory }) => {
      if (isWritten) appendFileSync(join(directory, "maxwells-daemon.map"), "website maintenance\n");
    });
    await withRig(integration, async (rig) => {
      rig.write({ canary: 0.25, maintenance: 1 });
      await eventually(async () => (await rig.known(0.1)).status === 503, "maintenance mode");
      isWritten = true;
      await rig.restart();
      const untilMs = performance.now() + 2 * integration.changeMs;
      while (performance.now() < untilMs) expect((await rig.known(0.1)).status).toBe(503);
      rig.write({ canary: 0.25, maintenance: 0 });
      await eventually(async () => (await rig.known(0.1)).status === 200, "the end of maintenance mode");
      await rig.becomes(0.1, "canary");
    });
  });

  test("only a number becomes a cookie, whatever an agent of SPOE says", async () => {
    const directory = mkdtempSync(join(tmpdir(), "haproxy-"));
    const port = await freePort();
    let assignment = "";
    const agent = await startSpopAgent(join(directory, "spop.sock"), () => ({
      assignment,
      location: "canary",
    }));
    const upstreams = (["master", "canary"] as const).map((name) =>
      startUpstream(name, upstreamPath(directory, name)),
    );
    const haproxy = await startHaproxy(fillHaproxy("spoe", { directory, port, allowForce: false }), port);
    const cookies = async (said: string) => {
      assignment = said;
      const response = await fetch(haproxy.url);
      expect(response.status).toBe(200);
      const { name } = (await response.json()) as Seen;
      return name === "canary"
        ? response.headers.getSetCookie().map((cookie) => cookie.split(";")[0])
        : undefined;
    };
    /** A health check has to have found the agent, and on a busy machine an answer may come too late. */
    const given = async (said: string) => {
      let decided: Awaited<ReturnType<typeof cookies>>;
      await eventually(async () => {
        decided = await cookies(said);
        return decided !== undefined;
      }, `an answer of ${said}`);
      return decided;
    };
    try {
      for (const number of ["0.1", "1e-9", `0.${"1".repeat(30)}`]) {
        expect(await given(number)).toEqual([`maxwellsdaemon=${number}`]);
      }
      for (const none of ["", "0.1\r\nX-Evil: 1", "0.1; Domain=example.org", `0.${"1".repeat(31)}`, "x"]) {
        expect([none, await given(none)]).toEqual([none, []]);
      }
    } finally {
      await haproxy.stop();
      await agent.stop();
      for (const upstream of upstreams) upstream.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
