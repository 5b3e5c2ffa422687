/**
 * Apache with several sites: two sites of two applications, a log of errors by version beside the operator's
 * own log, and the commented lines of the shipped site.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Apache,
  apacheMissing,
  fillSite,
  installFiles,
  mapPath,
  openTo,
  startApache,
  wholeConfiguration,
} from "../support/apache.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { errorsByVersion } from "../support/readme-command.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const missing = apacheMissing();
if (missing !== undefined) console.warn(`skipped: Apache with several sites: ${missing}`);

const SITES = ["website", "shop"] as const;
type Site = (typeof SITES)[number];

describe.skipIf(missing !== undefined)("Apache with several sites", () => {
  const directory = mkdtempSync(join(tmpdir(), "apache-sites-"));
  const log = join(directory, "maxwells.log");
  const ports = new Map<Site, number>();
  const upstreams = new Map<string, Upstream>();
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let apache: Apache;

  beforeAll(async () => {
    home = new DaemonHome({ flags: ["-application", "shop", "-apache-map", mapPath(directory)] });
    writeStore(0);
    installFiles(directory);
    daemon = await home.start();
    const texts: string[] = [];
    for (const application of SITES) {
      const port = await freePort();
      ports.set(application, port);
      const socket = (version: string) => join(directory, `${application}-${version}.sock`);
      for (const version of ["master", "canary"]) {
        upstreams.set(
          `${application}-${version}`,
          startUpstream(`${application}-${version}`, socket(version)),
        );
      }
      const places = { directory, port, application, master: socket("master"), canary: socket("canary") };
      const maintenanceFile = join(home.stateDirectory, "maintenance", application);
      const site = fillSite({ ...places, maintenanceFile });
      texts.push(
        site
          .replace(/^( *)#(?=RewriteCond|RewriteRule)/gm, "$1")
          // Testers come from this machine, and the shop has none.
          .replace("192.0.2.0/24", application === "website" ? "127.0.0.1" : "192.0.2.0/24")
          // The site has its own log, as operators have it.
          .replace(/^<\/VirtualHost>/m, `CustomLog ${directory}/own.log "%r"\n</VirtualHost>`),
      );
    }
    openTo(
      home,
      [...upstreams.keys()].map((name) => join(directory, `${name}.sock`)),
    );
    apache = await startApache(
      directory,
      ports.get("website") ?? 0,
      wholeConfiguration(directory, texts.join("\n")),
    );
    await eventually(async () => (await visit("shop", 0.1)).name === "shop-canary", "the shop's canary");
  });

  afterAll(async () => {
    await apache?.stop();
    await daemon?.end("SIGKILL");
    for (const upstream of upstreams.values()) upstream.stop();
    home.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The website's canary has no visitors, the shop's has half of them. */
  function writeStore(maintenance: number): void {
    const document = { website: { canary: 0, maintenance }, shop: { canary: 0.5, maintenance } };
    writeFileSync(`${home.storePath}.new`, JSON.stringify(document));
    Bun.spawnSync(["mv", `${home.storePath}.new`, home.storePath]);
  }

  async function visit(site: Site, assignment?: number, headers: Record<string, string> = {}, path = "/") {
    const cookie: Record<string, string> =
      assignment === undefined ? {} : { cookie: `maxwellsdaemon=${assignment}` };
    const reply = await fetch(`http://127.0.0.1:${ports.get(site)}${path}`, {
      headers: { ...cookie, ...headers },
    });
    const text = await reply.text();
    const isServed = reply.headers.get("content-type")?.includes("json") ?? false;
    const { name } = isServed ? (JSON.parse(text) as Seen) : { name: "" };
    const location = reply.headers.get("maxwellsdaemon-location");
    return { status: reply.status, name, location, cookies: reply.headers.getSetCookie() };
  }

  test("each site is decided by its own application, and a reply tells which version served", async () => {
    for (const [site, assignment, version] of [
      ["website", 0.1, "master"],
      ["website", 0.9, "master"],
      ["shop", 0.1, "canary"],
      ["shop", 0.9, "master"],
    ] as const) {
      const { status, name, location } = await visit(site, assignment);
      expect([status, name, location]).toEqual([200, `${site}-${version}`, version]);
    }
  });

  test("the README's command shows the canary that answers 500 to all, and the operator's own log goes on", async () => {
    // Apache writes a line after the response, so those of the visits before come until this one's.
    await visit("website", 0.9, { "x-status": "299" });
    await eventually(() => readFileSync(log, "utf8").includes(" 299 "), "the visits before");
    writeFileSync(log, "");
    for (let visitor = 0; visitor < 40; visitor++) {
      const assignment = (visitor + 0.5) / 40;
      const wanted = assignment < 0.5 ? 500 : 200;
      const headers = { "x-status": String(wanted) };
      expect((await visit("shop", assignment, headers, "/measured")).status).toBe(wanted);
    }
    await visit("website", 0.3);
    await visit("website", undefined, { "x-status": "201" });
    await visit("website", 0.3, {}, "/maintenance/maintenance.html");
    await eventually(() => readFileSync(log, "utf8").includes(" 201 "), "the log");
    const lines = await errorsByVersion("apache", { "/var/log/apache2/maxwells.log": log });
    expect(lines[0]).toMatch(/^shop canary: 20 requests, 20 errors \(100\.0 %\), 95 % within \d\.\d{3} s$/);
    expect(lines[1]).toMatch(/^shop master: 20 requests, 0 errors \(0\.0 %\)/);
    expect(lines[2]).toMatch(/^website master: 2 requests, 0 errors \(0\.0 %\)/);
    expect(lines).toHaveLength(3);
    // Application, version, assignment, status, seconds, and 1 if the visitor brought its assignment.
    expect(readFileSync(log, "utf8")).toMatch(/^shop canary 0\.0125 500 \d+e-6 1$/m);
    expect(readFileSync(log, "utf8")).toMatch(/^website master 0\.\d{14} 201 \d+e-6 0$/m);
    expect(readFileSync(join(directory, "own.log"), "utf8").split("GET /measured").length).toBe(41);
  });

  test("if the canary cannot be reached, that log has the error as the canary's", async () => {
    writeFileSync(log, "");
    upstreams.get("shop-canary")?.stop();
    expect((await visit("shop", 0.1)).status).toBe(503);
    expect((await visit("shop", 0.9)).status).toBe(200);
    await eventually(() => readFileSync(log, "utf8").split("\n").length >= 3, "the log");
    expect(readFileSync(log, "utf8")).toMatch(/^shop canary 0\.1 503 \d+e-6 1$/m);
    upstreams.set("shop-canary", startUpstream("shop-canary", join(directory, "shop-canary.sock")));
    openTo(home, [join(directory, "shop-canary.sock")]);
    await eventually(async () => (await visit("shop", 0.1)).name === "shop-canary", "the canary again");
  });

  test("left out probes and crawlers go to master, and get no cookie", async () => {
    for (const [path, agent] of [
      ["/", "Googlebot/2.1"],
      ["/healthz?full=1", "curl/8"],
    ] as const) {
      for (const assignment of [0.1, undefined]) {
        const { name, location, cookies } = await visit("shop", assignment, { "user-agent": agent }, path);
        expect([path, agent, name, location, cookies]).toEqual([path, agent, "shop-master", "master", []]);
      }
    }
    expect((await visit("shop", 0.1, {}, "/healthzz")).name).toBe("shop-canary");
  });

  test("in maintenance mode testers' addresses pass, and all other visitors see the page", async () => {
    writeStore(1);
    await eventually(async () => (await visit("shop", 0.3)).status === 503, "the shop's page");
    const file = join(home.stateDirectory, "maintenance", "website");
    await eventually(() => Bun.file(file).exists(), "the website's file");
    expect(await visit("website", 0.3)).toMatchObject({ status: 200, name: "website-master" });
    writeStore(0);
    await eventually(async () => (await visit("shop", 0.3)).status === 200, "its end");
  });
});
