import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CROSS_CHECKS } from "../../src/daemon/cross-checks.ts";
import { CHANGEOVER_MS } from "../../src/leases/traefik/recent-documents.ts";
import { Traefik, traefikListen, traefikVersions } from "../../src/leases/traefik.ts";
import { MaintenanceMode } from "../../src/saved/maintenance.ts";
import { type Core, createCore, UNHEALTHY_MS } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { HttpClient } from "../support/http.ts";
import { KeptLog } from "../support/logged.ts";
import { Random } from "../support/random.ts";
import { readingOf } from "../support/reading.ts";
import { settingsOf } from "../support/settings.ts";

const VERSIONS = [
  { application: "app", version: "canary", url: "http://127.0.0.1:6297" },
  { application: "web", version: "maintenance", url: "http://127.0.0.1:8082" },
];

/** A margin, because the clock of the core goes on while a test runs. */
const MARGIN_MS = 1_000;

describe("Traefik's provider", () => {
  let directory: string;
  let log: KeptLog;
  let maintenance: MaintenanceMode;
  let core: Core;
  let server: Traefik;
  let client: HttpClient;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "traefik-"));
    log = new KeptLog();
    maintenance = new MaintenanceMode(directory, ["app", "web"], log);
    core = { ...createCore({ applications: ["app", "web"], maintenance }), log };
    server = new Traefik(core, {
      address: { kind: "tcp", host: "127.0.0.1", port: 0 },
      versions: VERSIONS,
      isSecure: false,
    });
    await server.start();
    client = await HttpClient.connect({ host: "127.0.0.1", port: server.port ?? 0 });
  });

  afterEach(async () => {
    client.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });

  async function services() {
    const { status, headers, body } = await client.ask("GET", "/");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    return JSON.parse(body).http.services;
  }

  const check = async (query: string) => (await client.ask("GET", `/holds?${query}`)).status;
  const canaryHolds = (slices: string) => check(`application=app&version=canary&slices=${slices}`);

  test("TR-1: the next poll has the last values of the store", async () => {
    expect((await services())["app:canary"]).toBeUndefined();
    core.apply("app", { rollout: 0.25 });
    const { "app:canary": canary } = await services();
    expect(canary.loadBalancer.healthCheck.port).toBe(server.port);
    expect(await check(canary.loadBalancer.healthCheck.path.split("?")[1])).toBe(200);
    core.apply("app", { rollout: 0 });
    expect((await services())["app:canary"]).toBeUndefined();
  });

  test("TR-1: without a change, the document has the same bytes, and polls are counted", async () => {
    core.apply("app", { rollout: 0.25 });
    const first = await client.ask("GET", "/");
    core.apply("app", { rollout: 0.25 });
    expect((await client.ask("GET", "/")).body).toBe(first.body);
    expect(core.metrics.servers[0]).toMatchObject({ name: server.name, success: 2, failure: 0 });
    expect(server.name).toStartWith("traefik tcp:127.0.0.1:");
  });

  test("TR-6, law 3: when the store is lost, the document has only master, and the daemon vouches for no version", async () => {
    core.apply("app", { rollout: 0.25 });
    expect(await canaryHolds("0-249")).toBe(200);
    core.advance(UNHEALTHY_MS);
    expect(await canaryHolds("0-249")).toBe(503);
    expect((await services())["app:canary"]).toBeUndefined();
  });

  test("TR-8: the daemon vouches for an old document if the version still has all slices of it", async () => {
    core.apply("app", { rollout: 0.25 });
    expect(await canaryHolds("0-249")).toBe(200);
    core.apply("app", { rollout: 0.5 });
    expect(await canaryHolds("0-249")).toBe(200);
    core.apply("app", { rollout: 0.1 });
    expect(await canaryHolds("0-249")).toBe(503);
    core.apply("app", { rollout: 0.25, offset: 0.1 });
    expect(await canaryHolds("0-249")).toBe(503);
  });

  test("TR-8: the daemon vouches for a document until Traefik has had time to take the next one over", async () => {
    core.apply("app", { rollout: 0.5 });
    await services();
    core.apply("app", { rollout: 0.3 });
    core.advance(CHANGEOVER_MS / 2);
    await services();
    core.apply("app", { rollout: 0 });
    core.advance(CHANGEOVER_MS / 2 - MARGIN_MS);
    expect(await canaryHolds("0-499")).toBe(200);
    core.advance(MARGIN_MS);
    expect(await canaryHolds("0-499")).toBe(503);
    expect(await canaryHolds("0-299")).toBe(200);
    // No document gave canary both of these runs, or gave the slices to another version.
    expect(await canaryHolds("0-299,600-699")).toBe(503);
    expect(await check("application=app&version=blue&slices=0-299")).toBe(503);
    core.advance(CHANGEOVER_MS / 2);
    expect(await canaryHolds("0-299")).toBe(503);
  });

  test("TR-8: the last poll of a document counts, not the first", async () => {
    core.apply("app", { rollout: 0.5 });
    await services();
    core.advance(2 * CHANGEOVER_MS);
    core.apply("app", { rollout: 0.5 });
    await services();
    core.apply("app", { rollout: 0 });
    core.advance(CHANGEOVER_MS - MARGIN_MS);
    expect(await canaryHolds("0-499")).toBe(200);
  });

  test("TR-6, law 3: when the store is lost, the daemon does not even vouch for the document of a moment ago", async () => {
    core.apply("app", { rollout: 0.25 });
    core.advance(UNHEALTHY_MS - MARGIN_MS);
    await services();
    expect(await canaryHolds("0-249")).toBe(200);
    core.advance(MARGIN_MS);
    expect(await canaryHolds("0-249")).toBe(503);
  });

  test.each([
    "",
    "application=app",
    "application=app&version=canary",
    "application=nobody&version=canary&slices=0-0",
    "application=app&version=&slices=0-0",
    "application=app&version=canary&slices=0-249%00",
    "application=%zz&version=canary&slices=0-249",
    `application=app&version=canary&slices=${"0-0,".repeat(50_000)}`,
  ])("TR-8: the daemon does not vouch for %p", async (query) => {
    core.apply("app", { rollout: 0.25 });
    expect(await check(query)).toBe(503);
  });

  test.each(["/x", "/holds/", "//", "/holdsx", "/metrics"])("TR-1: %s is not found", async (path) => {
    expect((await client.ask("GET", path)).status).toBe(404);
  });

  test("TR-9: maintenance counts at once, if Traefik has a service for it", async () => {
    core.apply("app", { rollout: 0.25 });
    const before = await services();
    for (const application of ["app", "web"]) maintenance.follow(readingOf({ maintenance: 1 }, application));
    const during = await services();
    expect(during["web:circle:999"].weighted.services[0].name).toBe("web:maintenance");
    expect(during["app:circle:000"]).toEqual(before["app:circle:000"]);
    core.advance(UNHEALTHY_MS);
    expect(await services()).toHaveProperty("web:maintenance");
    maintenance.follow(readingOf({}, "web"));
    expect(await services()).not.toHaveProperty("web:maintenance");
  });

  test("TR-9: if Traefik cannot show maintenance, the log says so once, each time that it begins", async () => {
    const warned = () => log.at("warn").filter(({ message }) => message.includes("Traefik has no service"));
    for (const value of [1, 0, 1]) {
      maintenance.follow(readingOf({ maintenance: value }));
      await services();
      await services();
    }
    expect(warned().map(({ fields }) => fields["application"])).toEqual(["app", "app"]);
  });

  test("TR-9: the log says it even if Traefik never polls", async () => {
    maintenance.follow(readingOf({ maintenance: 1 }));
    const isWarned = () => log.at("warn").some(({ message }) => message.includes("Traefik has no service"));
    await eventually(isWarned, "the warning");
  });

  test("law 8: maintenance that is already on is in the first document", async () => {
    writeFileSync(join(directory, "maintenance", "web"), "");
    const next = new Traefik(
      { ...core, maintenance: new MaintenanceMode(directory, ["app", "web"], log) },
      {
        address: { kind: "tcp", host: "127.0.0.1", port: 0 },
        ...{ versions: VERSIONS, isSecure: false },
      },
    );
    await next.start();
    const { body } = await (await HttpClient.connect({ host: "127.0.0.1", port: next.port ?? 0 })).ask(
      "GET",
      "/",
    );
    await next.close();
    expect(JSON.parse(body).http.services).toHaveProperty("web:maintenance");
  });

  test("law 5: random bytes leave the provider as it was", async () => {
    core.apply("app", { rollout: 0.25 });
    const random = new Random();
    for (let round = 0; round < 50; round++) {
      const bytes = Buffer.from(Array.from({ length: 300 }, () => Math.floor(random.fraction() * 256)));
      const hostile = await HttpClient.connect({ host: "127.0.0.1", port: server.port ?? 0 });
      hostile.socket.end(Buffer.concat([Buffer.from("GET /holds?"), bytes, Buffer.from("\r\n\r\n")]));
      await hostile.ended();
    }
    expect(await canaryHolds("0-249")).toBe(200);
  });
});

describe("the settings of Traefik's provider", () => {
  test("the provider is off unless its flag is given", () => {
    expect(settingsOf().get(traefikListen)).toBeNull();
    expect(settingsOf("-traefik", ":6296").get(traefikListen)).toEqual({
      kind: "tcp",
      host: "127.0.0.1",
      port: 6296,
    });
    expect(() => settingsOf("-traefik", "unix:/tmp/x")).toThrow("write HOST:PORT or none");
  });

  test("a version has an application, a name and a URL", () => {
    const versions = (...texts: string[]) =>
      settingsOf(...texts.flatMap((text) => ["-traefik-version", text])).get(traefikVersions);
    expect(versions("website/canary=http://127.0.0.1:6297", "a=b/blue=h2c://[::1]:1")).toEqual([
      { application: "website", version: "canary", url: "http://127.0.0.1:6297" },
      { application: "a=b", version: "blue", url: "h2c://[::1]:1" },
    ]);
    for (const wrong of [
      "website",
      "website/canary",
      "website/canary=127.0.0.1:6297",
      "website/canary=http://127.0.0.1:6297/path",
      "website/canary=https://127.0.0.1:6297",
      "website/master=http://127.0.0.1:6297",
      "website/c d=http://127.0.0.1:6297",
      "/canary=http://127.0.0.1:6297",
    ]) {
      expect(() => versions(wrong)).toThrow("write APPLICATION/VERSION=URL");
    }
  });

  test.each([
    [["-traefik-version", "app/canary=http://a"], "without a -traefik HOST:PORT"],
    [["-traefik", ":1", "-traefik-version", "web/canary=http://a"], "web, which is not served here"],
    [
      [
        "-traefik",
        ":1",
        "-traefik-version",
        "app/canary=http://a",
        "-traefik-version",
        "app/canary=http://b",
      ],
      "two URLs",
    ],
    [["-traefik", ":1", "-traefik-version", "app/canary=http://a"], undefined],
  ] as const)("what has to go together is told: %p", (argv, problem) => {
    const settings = settingsOf(...argv);
    const problems = CROSS_CHECKS.map((each) => each.check(settings)).filter((each) => each !== undefined);
    if (problem === undefined) expect(problems).toEqual([]);
    else expect(problems.join()).toContain(problem);
  });
});
