/** Tests that only HAProxy's configurations need, beside the conformance suite of every integration. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  addApplication,
  fillHaproxy,
  haproxyFlags,
  haproxyMissing,
  startHaproxy,
  upstreamPath,
} from "../support/haproxy.ts";
import { freePort } from "../support/port.ts";
import type { ProxyProcess } from "../support/proxy-process.ts";
import { errorsByVersion } from "../support/readme-command.ts";
import { startSpopAgent } from "../support/spop-agent.ts";
import { type Seen, startUpstream } from "../support/upstream.ts";
import type { Integration } from "./conformance/integration.ts";
import { Rig } from "./conformance/rig.ts";
import { haproxyMap, haproxySpoe } from "./proxies/haproxy.ts";

/** HAProxy is reloaded this often, and each process has this long for its first visitors. */
const RELOADS = 6;
const RELOAD_MS = 600;

/** The worker processes of a HAProxy that can be reloaded. */
function workersOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
}

describe.skipIf(haproxyMissing() !== undefined).each([haproxyMap, haproxySpoe])("$name", (integration) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start(integration);
  });

  afterAll(() => rig.stop());

  test("of two cookies HAProxy uses the last one", async () => {
    for (const [cookie, name] of [
      ["maxwellsdaemon=0.1; maxwellsdaemon=0.9", "master"],
      ["maxwellsdaemon=0.9; maxwellsdaemon=0.1", "canary"],
    ] as const) {
      const { name: served, cookies } = await rig.withCookie(cookie);
      expect({ name: served, cookies }).toEqual({ name, cookies: [] });
    }
  });

  test("the last of two cookies counts, even if it is garbage", async () => {
    for (const garbage of ["x", "x".repeat(14_000), `0.${"1".repeat(14_000)}`]) {
      const { status, cookies } = await rig.withCookie(`maxwellsdaemon=0.1; maxwellsdaemon=${garbage}`);
      expect([status, cookies.length]).toEqual([200, 1]);
    }
  });

  test("versions get no header that CGI would confuse with the daemon's", async () => {
    const forged = ["maxwellsdaemon_location", "canary"] as const;
    const { status, seen } = await rig.withCookie("maxwellsdaemon=0.9", [forged, ["x-a", "b"]]);
    expect([status, seen?.headers["x-a"], seen?.headers["maxwellsdaemon_location"]]).toEqual([
      ...[200, "b"],
      undefined,
    ]);
  });

  test("the README's command shows the canary that answers 500 to all visitors", async () => {
    await rig.becomes(0.1, "canary");
    await rig.restart();
    // Until it is decided, the visitor is at master.
    await eventually(
      async () =>
        (await rig.withCookie("maxwellsdaemon=0.1", [["x-status", "500"]])).body.includes('"canary"'),
      "the canary",
    );
    for (let visitor = 0; visitor < 40; visitor++) {
      const assignment = (visitor + 0.5) / 40;
      const headers = [["x-status", assignment < 0.25 ? "500" : "200"]] as const;
      await rig.withCookie(rig.cookieOf(assignment), headers);
    }
    const lines = await errorsByVersion("haproxy", {
      "/run/haproxy/admin.sock": join(rig.directory, "admin.sock"),
    });
    expect(lines[0]).toMatch(
      /^website canary: \d+ requests, \d+ errors \(100\.0 %\), 95 % within 0\.\d{3} s$/,
    );
    expect(lines[1]).toMatch(/^website master: \d+ requests, \d+ errors /);
    expect(lines).toHaveLength(2);
    // The operator's own log goes on, and has none of these lines.
    expect(rig.log).toMatch(/ website website_canary\/canary1 \d+\/\d+\/\d+\/\d+\/\d+ 500 /);
    expect(rig.log).not.toContain("outcome=");
  });

  test("maintenance mode goes on when the daemon is gone", async () => {
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
  test("a start in maintenance mode shows no visitor the site", async () => {
    await withRig(haproxyMap, async (rig) => {
      rig.write({ canary: 0.25, maintenance: 1 });
      await eventually(async () => (await rig.known(0.1)).status === 503, "maintenance mode");
      await rig.restart();
      const untilMs = performance.now() + 2 * haproxyMap.changeMs;
      while (performance.now() < untilMs) expect((await rig.known(0.1)).status).toBe(503);
      rig.write({ canary: 0.25, maintenance: 0 });
      await eventually(async () => (await rig.known(0.1)).status === 200, "the end of maintenance mode");
      await rig.becomes(0.1, "canary");
    });
  });

  test("reloads under load: no visitor of the canary is at master for a moment", async () => {
    let haproxy: ProxyProcess | undefined;
    const reloading: Integration = {
      ...haproxyMap,
      async start(places) {
        const configuration = fillHaproxy("map", places);
        haproxy = await startHaproxy(configuration, places.port, { canReload: true });
        return haproxy;
      },
    };
    await withRig(reloading, async (rig) => {
      const served = new Map<string, number>();
      let isOver = false;
      const visitor = async () => {
        while (!isOver) {
          // Each visit has its own connection, because HAProxy closes persistent ones when it is reloaded.
          const headers = { cookie: "maxwellsdaemon=0.1", connection: "close" };
          const name = await fetch(rig.url, { headers, keepalive: false })
            .then(async (response) => ((await response.json()) as Seen).name)
            // A connection that the old process had not accepted yet. That is HAProxy's own fault, and not a
            // decision.
            .catch(() => "closed");
          served.set(name, (served.get(name) ?? 0) + 1);
          await Bun.sleep(2);
        }
      };
      const visitors = [visitor(), visitor(), visitor(), visitor()];
      for (let reload = 0; reload < RELOADS; reload++) {
        const before = workersOf(haproxy?.pid ?? 0);
        haproxy?.signal("SIGUSR2");
        await eventually(
          async () => workersOf(haproxy?.pid ?? 0).some((pid) => !before.includes(pid)),
          "a new worker",
        );
        await Bun.sleep(RELOAD_MS);
      }
      isOver = true;
      await Promise.all(visitors);
      expect(served.get("master") ?? 0).toBe(0);
      expect(served.get("canary")).toBeGreaterThan(RELOADS * 50);
    });
  });

  test.each(["map", "spoe"] as const)(
    "two applications, by %s: each site has its own decisions, and left out probes have none",
    async (way) => {
      const directory = mkdtempSync(join(tmpdir(), "haproxy-"));
      mkdirSync(join(directory, "shop"));
      const ports = { website: await freePort(), shop: await freePort() };
      const home = new DaemonHome({ flags: ["-application", "shop", ...haproxyFlags(directory)] });
      home.replace(JSON.stringify({ website: { canary: 0 }, shop: { canary: 0.5 } }));
      const upstreams = (["master", "canary"] as const).flatMap((version) => [
        startUpstream(`website-${version}`, upstreamPath(directory, version)),
        startUpstream(`shop-${version}`, upstreamPath(join(directory, "shop"), version)),
      ]);
      const configuration = fillHaproxy(way, { directory, port: ports.website, allowForce: false });
      addApplication(way, "shop", { directory, port: ports.shop, allowForce: false });
      for (const path of [configuration, join(directory, "maxwells-daemon.spoe.conf")]) {
        const marked = /^( *)#(?=acl is_left_out|http-request|event)/gm;
        const text = readFileSync(path, "utf8").replace(/^ *event .*request\n/gm, "");
        writeFileSync(path, text.replace(marked, "$1"));
      }
      const daemon = await home.start();
      const haproxy = await startHaproxy(configuration, ports.website);
      const visit = async (site: "website" | "shop", assignment: number, path = "/", agent = "curl/8") => {
        const headers = { cookie: `maxwellsdaemon=${assignment}`, "user-agent": agent };
        const reply = await fetch(`http://127.0.0.1:${ports[site]}${path}`, { headers });
        const { name, headers: told } = (await reply.json()) as Seen;
        expect(reply.headers.get("maxwellsdaemon-location")).toBe(told["maxwellsdaemon-location"] ?? "");
        return name;
      };
      try {
        await eventually(async () => (await visit("shop", 0.1)) === "shop-canary", "the shop's canary");
        expect(await visit("shop", 0.9)).toBe("shop-master");
        for (const assignment of [0.1, 0.9])
          expect(await visit("website", assignment)).toBe("website-master");
        expect(await visit("shop", 0.1, "/healthz")).toBe("shop-master");
        expect(await visit("shop", 0.1, "/", "kube-probe/1.30")).toBe("shop-master");
      } finally {
        await haproxy.stop();
        await daemon.end("SIGKILL");
        for (const upstream of upstreams) upstream.stop();
        home.remove();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );

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
