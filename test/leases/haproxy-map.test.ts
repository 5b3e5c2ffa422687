import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HaproxyMap, haproxyMapAddresses } from "../../src/leases/haproxy-map.ts";
import { MaintenanceMode } from "../../src/saved/maintenance.ts";
import { type Core, createCore, UNHEALTHY_MS } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { readingOf } from "../support/reading.ts";
import { settingsOf } from "../support/settings.ts";
import { StatsSocket } from "../support/stats-socket.ts";

const DEFAULT_MAP = "/var/lib/maxwells-daemon/haproxy.map";

describe("HAProxy's map", () => {
  let directory: string;
  let path: string;
  let map: string;
  let maintenance: MaintenanceMode;
  let core: Core;
  let log: KeptLog;
  let stats: StatsSocket;
  let holder: HaproxyMap;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "haproxy-map-"));
    path = join(directory, "stats");
    map = join(directory, "haproxy.map");
    log = new KeptLog();
    const applications = ["app", "é ü"];
    maintenance = new MaintenanceMode(directory, applications, log);
    core = { ...createCore({ applications, maintenance }), log };
    stats = await StatsSocket.listen(path);
    holder = new HaproxyMap(core, { socket: { kind: "unix", path }, map });
  });

  afterEach(async () => {
    await holder.close();
    await stats.close();
    rmSync(directory, { recursive: true });
  });

  /** Waits for two renewals, because the first one may have been under way. */
  async function renewed(): Promise<void> {
    const before = stats.commits;
    await eventually(() => stats.commits >= before + 2, "the map is renewed");
  }

  const arcs = () => [...stats.map.keys()].filter((key) => key.includes("/"));

  test("MAP-3, MAP-7: the map has the arc of each version of each application", async () => {
    core.apply("app", { rollout: 0.25 }, { version: "blue", rollout: 0.5, offset: 0.75 });
    core.apply("é ü", { rollout: 1 });
    await holder.start();
    await renewed();
    expect(stats.map.get("app/canary/from")).toBe("0");
    expect(Number(stats.map.get("app/canary/to"))).toBe(0.25);
    expect(stats.map.has("app/canary/around")).toBe(false);
    expect(stats.map.get("app/blue/to")).toBe("1");
    expect(Number(stats.map.get("app/blue/from"))).toBe(0.75);
    expect(Number(stats.map.get("app/blue/around"))).toBeCloseTo(0.25, 12);
    expect(stats.map.get("%C3%A9%20%C3%BC/canary/to")).toBe("1");
    expect(stats.map.size).toBe(9);
    core.apply("app", { rollout: 0.5, version: "blue" });
    await renewed();
    expect(arcs()).toEqual([
      "app/blue/from",
      "app/blue/to",
      "%C3%A9%20%C3%BC/canary/from",
      "%C3%A9%20%C3%BC/canary/to",
    ]);
  });

  test("MAP-3: a map that is longer than one command of HAProxy is replaced all at once too", async () => {
    await holder.close();
    const applications = Array.from({ length: 150 }, (_, index) => `application-${index}`);
    core = createCore({ applications });
    for (const application of applications) {
      core.apply(application, { rollout: 0.25 }, { version: "blue", rollout: 0.5, offset: 0.75 });
    }
    holder = new HaproxyMap(core, { socket: { kind: "unix", path }, map });
    await holder.start();
    await renewed();
    expect(stats.map.size).toBe(150 * 6);
    expect(core.metrics.servers.reduce((sum, { failure }) => sum + failure, 0)).toBe(0);
  });

  test("MAP-4: a lease ends in three seconds, and is renewed twice a second", async () => {
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await renewed();
    const first = Number(stats.map.get("app"));
    expect(first).toBeLessThanOrEqual(Date.now() + 3_000);
    expect(first).toBeGreaterThan(Date.now());
    await renewed();
    expect(Number(stats.map.get("app"))).toBeGreaterThan(first);
  });

  test("MAP-4: an application that is unread or stale has no lease; a version without visitors has no arc", async () => {
    core.apply("app", { rollout: 0 });
    await holder.start();
    await renewed();
    expect([...stats.map.keys()]).toEqual(["app"]);
    core.advance(UNHEALTHY_MS);
    await renewed();
    expect(stats.map.size).toBe(0);
  });

  test("MAP-4: no lease is longer than the daemon's own", async () => {
    core.apply("app", { rollout: 0.25 });
    core.advance(UNHEALTHY_MS - 1_000);
    const endsAt = Date.now() + 1_000;
    await holder.start();
    await eventually(() => stats.commits > 0, "the map is set");
    expect(Number(stats.map.get("app"))).toBeLessThanOrEqual(endsAt + 1);
  });

  test("MAP-5, law 8: maintenance is in the map while it is on, with or without a lease", async () => {
    maintenance.follow(readingOf({ maintenance: 1 }));
    await holder.start();
    await renewed();
    expect([...stats.map]).toEqual([["app", "maintenance"]]);
    core.apply("app", { rollout: 0.5 });
    await renewed();
    expect([...stats.map]).toEqual([["app", "maintenance"]]);
    // A malformed record does not end maintenance, and neither does the loss of its file.
    maintenance.follow(readingOf({ maintenance: "nonsense" }));
    await maintenance.close();
    rmSync(join(directory, "maintenance", "app"));
    await renewed();
    expect([...stats.map]).toEqual([["app", "maintenance"]]);
    maintenance.follow(readingOf({}));
    await renewed();
    expect(stats.map.get("app")).toMatch(/^\d{13}$/);
  });

  test("MAP-5, law 8: maintenance that an earlier daemon saved is in the map before the store is read", async () => {
    writeFileSync(join(directory, "maintenance", "app"), "");
    await holder.close();
    const next = new MaintenanceMode(directory, ["app"], log);
    holder = new HaproxyMap({ ...core, maintenance: next }, { socket: { kind: "unix", path }, map });
    await holder.start();
    await eventually(() => stats.commits > 0, "the map is set");
    expect([...stats.map]).toEqual([["app", "maintenance"]]);
  });

  test("MAP-6: if HAProxy is away, the daemon tries until it is there", async () => {
    await stats.close();
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await eventually(() => (core.metrics.servers[0]?.failure ?? 0) >= 2, "two failures");
    stats = await StatsSocket.listen(path);
    await renewed();
    expect(stats.map.has("app")).toBe(true);
    expect(stats.connections).toBe(stats.commits);
  });

  test("MAP-6: if HAProxy hangs, the daemon gives up and tries again", async () => {
    stats.isHanging = true;
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await eventually(() => (core.metrics.servers[0]?.failure ?? 0) >= 1, "a failure");
    stats.isHanging = false;
    await renewed();
    expect(stats.map.has("app")).toBe(true);
  });

  /** The lines of the map's file. */
  const written = () => readFileSync(map, "utf8").trimEnd().split("\n").slice(1);
  const warnings = () =>
    log.at("warn").filter(({ message }) => message.includes("HAProxy's map cannot be written"));

  test("MAP-8: the map's file has the same lines, also while HAProxy is away", async () => {
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await renewed();
    expect(written().map((line) => line.split(" ")[0])).toEqual([...stats.map.keys()]);
    expect(statSync(map).mode & 0o777).toBe(0o644);
    await stats.close();
    const endsAt = () => Number(written()[0]?.split(" ")[1]);
    const before = endsAt();
    await eventually(() => endsAt() > before, "another lease in the file");
    maintenance.follow(readingOf({ maintenance: 1 }));
    await eventually(() => written().join() === "app maintenance", "maintenance in the file");
    stats = await StatsSocket.listen(path);
  });

  test("MAP-8: if the file cannot be written, the log says so once, and HAProxy still has its lease", async () => {
    mkdirSync(map);
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await renewed();
    await renewed();
    expect(stats.map.has("app")).toBe(true);
    expect(warnings()).toHaveLength(1);
    rmSync(map, { recursive: true });
    await eventually(() => existsSync(map), "the file");
    expect(written()).toHaveLength(3);
  });

  test("MAP-8: the daemon writes no file for a map that is not named by a path", async () => {
    await holder.close();
    holder = new HaproxyMap(core, { socket: { kind: "unix", path }, map: "#1" });
    await holder.start();
    await renewed();
    expect(readdirSync(directory).sort()).toEqual(["maintenance", "stats"]);
  });

  test.each([
    ["prepare map", "Unknown map identifier. Please use #<id> or <file>.\n"],
    ["prepare map", "Permission denied\n"],
    ["add map", "'add map' cannot be used\n"],
    ["commit map", "version is in the future\n"],
    ["prompt", "x".repeat(100_000)],
  ])(
    "MAP-6: if HAProxy answers %s with %p, the renewal has failed and changed nothing",
    async (command, reply) => {
      stats.replies.set(command, reply);
      if (command === "prompt") stats.replies.set("prompt", reply);
      core.apply("app", { rollout: 0.25 });
      await holder.start();
      await eventually(() => (core.metrics.servers[0]?.failure ?? 0) >= 1, "a failure");
      expect(stats.commits).toBe(0);
      stats.replies.clear();
      await renewed();
      expect(core.metrics.servers[0]?.success).toBeGreaterThan(0);
    },
  );

  const notRenewed = () =>
    log.at("warn").filter(({ message }) => message.startsWith("HAProxy's lease cannot be renewed"));

  test.each([
    [
      "Unknown map identifier. Please use #<id> or <file>.\n",
      "name the file as HAProxy's configuration does: -haproxy-map SOCKET,MAP",
    ],
    [
      "Permission denied\n",
      "give the stats socket level admin in HAProxy's configuration: stats socket PATH level admin",
    ],
    ["something else\n", undefined],
  ])("if HAProxy answers %j, the log has the remedy", async (reply, remedy) => {
    stats.replies.set("prepare map", reply);
    await holder.start();
    await eventually(() => notRenewed().length > 0, "a warning");
    expect(notRenewed()[0]?.message).toEndWith("HAProxy sends all visitors to master");
    expect(notRenewed()[0]?.fields["remedy"]).toBe(remedy);
  });

  test("if HAProxy is away, the log has the remedy, and names the visitors of one map of several", async () => {
    await holder.close();
    holder = new HaproxyMap(core, { socket: { kind: "unix", path: `${path}.gone` }, map }, true);
    await holder.start();
    await eventually(() => notRenewed().length > 0, "a warning");
    expect(notRenewed()[0]?.message).toEndWith("HAProxy sends all visitors of this map to master");
    expect(notRenewed()[0]?.fields).toMatchObject({
      error: expect.stringContaining("ENOENT"),
      remedy: "start HAProxy, or name the stats socket of its configuration: -haproxy-map SOCKET,MAP",
    });
  });
});

describe("-haproxy-map", () => {
  test.each([
    [
      "/run/haproxy/admin.sock",
      { socket: { kind: "unix", path: "/run/haproxy/admin.sock" }, map: DEFAULT_MAP },
    ],
    ["/s,/m", { socket: { kind: "unix", path: "/s" }, map: "/m" }],
    ["tcp:127.0.0.1:9999,/m", { socket: { kind: "tcp", host: "127.0.0.1", port: 9999 }, map: "/m" }],
  ] as const)("%s", (text, expected) => {
    expect(settingsOf("-haproxy-map", text).get(haproxyMapAddresses)).toEqual([expected]);
  });

  test.each(["", "relative", "fd:3", "/s,/m,/n", "/s,", "/s,/a b", "/s,/m;n"])("%p is refused", (text) => {
    expect(() => settingsOf("-haproxy-map", text)).toThrow("-haproxy-map");
  });
});
