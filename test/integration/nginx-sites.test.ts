/**
 * nginx with several sites, in its three ways: two sites of two applications, a log of errors by version
 * beside the operator's own log, and the commented lines of the shipped files.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  fillHttp,
  fillSite,
  installPage,
  type Nginx,
  type NginxWay,
  nginxMissing,
  type Places,
  startNginx,
  withSetup,
} from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { errorsByVersion } from "../support/readme-command.ts";
import { startUnixServer } from "../support/unix-server.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const WAYS: readonly NginxWay[] = ["lease", "ask", "auth-request"];

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: nginx with several sites: ${missing}`);

/**
 * The log may have a line this much later than its request, and a lease may bring a change this much later.
 */
const LATER_MS = 3_000;

/** Node's server closes a connection that was idle for this long. */
const NODE_KEEPS_MS = 5_000;

const SITES = ["website", "shop"] as const;
type Site = (typeof SITES)[number];

for (const way of WAYS) {
  describe.skipIf(missing !== undefined)(`nginx with several sites, ${way}`, () => {
    const directory = mkdtempSync(join(tmpdir(), "nginx-sites-"));
    const ports = new Map<Site, number>();
    const upstreams: Upstream[] = [];
    let home: DaemonHome;
    let daemon: DaemonProcess;
    let nginx: Nginx;

    beforeAll(async () => {
      const http = join(directory, "http.sock");
      home = new DaemonHome({ flags: ["-application", "shop", "-http", `unix:${http}`, "-allow-force"] });
      write(0);
      daemon = await home.start();
      installPage(directory);
      for (const site of SITES) {
        ports.set(site, await freePort());
        for (const version of ["master", "canary"]) {
          upstreams.push(startUpstream(`${site}-${version}`, join(directory, `${site}-${version}.sock`)));
        }
      }
      const standInPort = await freePort();
      const places = (application: Site): Places => ({
        ...{ master: join(directory, `${application}-master.sock`) },
        ...{ canary: join(directory, `${application}-canary.sock`) },
        ...{
          daemon: way === "auth-request" ? http : home.socket,
          standInPort,
          allowForce: true,
          application,
        },
        maintenanceFile: join(home.stateDirectory, "maintenance", application),
        page: join(directory, "share"),
      });
      const sites = SITES.map((site) => withMarked(fillSite(way, ports.get(site) ?? 0, places(site))));
      // The operator's own log, in the http block like in Debian's file.
      const own = `underscores_in_headers on; access_log ${directory}/own.log combined;`;
      const testers = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;";
      const shared = withSetup(fillHttp(way, places("website")), fillHttp(way, places("shop")));
      nginx = await startNginx(
        directory,
        ports.get("website") ?? 0,
        [own, testers, shared, ...sites].join("\n"),
      );
      await eventually(async () => (await visit("shop", 0.1)).name === "shop-canary", "the shop's canary");
    });

    afterAll(async () => {
      await nginx?.stop();
      await daemon?.end("SIGKILL");
      for (const upstream of upstreams) upstream.stop();
      home.remove();
      rmSync(directory, { recursive: true, force: true });
    });

    /** The website's canary has no visitors, the shop's has half of them. */
    function write(maintenance: number): void {
      const document = { website: { canary: 0, maintenance }, shop: { canary: 0.5 } };
      writeFileSync(`${home.storePath}.new`, JSON.stringify(document));
      Bun.spawnSync(["mv", `${home.storePath}.new`, home.storePath]);
    }

    async function visit(site: Site, assignment?: number, init: RequestInit & { path?: string } = {}) {
      const headers = new Headers(init.headers);
      if (assignment !== undefined) headers.append("cookie", `maxwellsdaemon=${assignment}`);
      const url = `http://127.0.0.1:${ports.get(site)}${init.path ?? "/"}`;
      const response = await fetch(url, { ...init, headers, redirect: "manual" });
      const text = await response.text();
      const isServed = response.headers.get("content-type")?.includes("json") ?? false;
      const seen: Seen = isServed ? JSON.parse(text) : { name: "", headers: {}, body: text };
      return {
        ...{
          status: response.status,
          name: seen.name,
          told: seen.headers,
          cookies: response.headers.getSetCookie(),
        },
        ...{ location: response.headers.get("maxwellsdaemon-location"), response },
      };
    }

    /** The same, but repeated if the decision was not in time. */
    async function decided(...visitor: Parameters<typeof visit>) {
      let served = await visit(...visitor);
      for (let again = 0; again < 10 && served.name.endsWith("master"); again++) {
        await Bun.sleep(150);
        served = await visit(...visitor);
      }
      return served;
    }

    test.each([
      ["master", 0.9, 2],
      ["canary", 0.1, 3],
    ] as const)(
      "nginx closes an idle connection to %s before Node would, so it uses none that Node just closes",
      async (version, assignment, at) => {
        const path = join(directory, `shop-${version}.sock`);
        upstreams[at]?.stop();
        let usedAtMs = 0;
        const idle = Promise.withResolvers<number>();
        const server = await startUnixServer(path, (socket) => {
          socket.on("data", () => {
            usedAtMs = performance.now();
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
          });
          socket.on("end", () => idle.resolve(performance.now() - usedAtMs));
        });
        chmodSync(path, 0o666);
        expect((await visit("shop", assignment)).status).toBe(200);
        const idleMs = await idle.promise;
        // Idle, not closed after each request.
        expect(idleMs).toBeGreaterThan(1_000);
        expect(idleMs).toBeLessThan(NODE_KEEPS_MS);
        await server.stop();
        upstreams[at] = startUpstream(`shop-${version}`, path);
      },
    );

    test("each site is decided by its own application, and a reply tells which version served", async () => {
      for (const [site, assignment, version] of [
        ["website", 0.1, "master"],
        ["website", 0.9, "master"],
        ["shop", 0.1, "canary"],
        ["shop", 0.9, "master"],
      ] as const) {
        const served = version === "canary" ? await decided(site, assignment) : await visit(site, assignment);
        expect([served.status, served.name, served.location]).toEqual([200, `${site}-${version}`, version]);
      }
      expect(existsSync(join(directory, "own.log"))).toBe(true);
    });

    test("the README's command shows the canary that answers 500 to all, and the operator's own log goes on", async () => {
      const log = join(directory, "maxwells.log");
      await visit("shop", 0.9, { headers: { "x-status": "202" } });
      await eventually(() => readFileSync(log, "utf8").includes(" 202 "), "the lines so far", LATER_MS);
      writeFileSync(log, "");
      for (let visitor = 0; visitor < 40; visitor++) {
        const assignment = (visitor + 0.5) / 40;
        const headers = { "x-status": assignment < 0.5 ? "500" : "200" };
        const { status } = await visit("shop", assignment, { headers, path: "/measured" });
        expect(status).toBe(assignment < 0.5 ? 500 : 200);
      }
      await visit("website", 0.3);
      await visit("website", 0.3, { path: "/maintenance/maintenance.html" });
      await eventually(() => readFileSync(log, "utf8").includes("website"), "the log", LATER_MS);
      const lines = await errorsByVersion("nginx", { "/var/log/nginx/maxwells.log": log });
      const [canary] = lines.filter((line) => line.startsWith("shop canary"));
      expect(canary).toMatch(/^shop canary: \d+ requests, \d+ errors \(100\.0 %\), 95 % within 0\.\d{3} s$/);
      expect(lines.find((line) => line.startsWith("website master"))).toMatch(/ 0 errors \(0\.0 %\)/);
      expect(lines.every((line) => /^(shop|website) (canary|master): /.test(line))).toBe(true);
      // Application, version, assignment, status, seconds, and 1 if the visitor brought its assignment.
      const written = readFileSync(log, "utf8").trimEnd().split("\n");
      for (const line of written)
        expect(line).toMatch(/^(shop|website) (canary|master) \S+ \d{3} \d+\.\d{3} [01](?: source=.*)?$/);
      expect(written).toContainEqual(
        expect.stringMatching(/^shop canary 0\.0125 500 0\.\d{3} 1(?: source=.*)?$/),
      );
      expect(readFileSync(join(directory, "own.log"), "utf8").split("GET /measured").length).toBe(41);
    });

    test("a new visitor has brought no assignment", async () => {
      const { told } = await visit("shop", undefined, { headers: { "x-status": "201" } });
      const log = join(directory, "maxwells.log");
      await eventually(() => / 201 /.test(readFileSync(log, "utf8")), "the log", LATER_MS);
      expect(readFileSync(log, "utf8")).toMatch(/^shop (canary|master) \S+ 201 \S+ 0(?: source=.*)?$/m);
      expect(told).toBeDefined();
    });

    test("left out probes and crawlers go to master, and get no cookie", async () => {
      for (const [path, agent] of [
        ["/", "Googlebot/2.1"],
        ["/", "kube-probe/1.30"],
        ["/healthz?full=1", "curl/8"],
      ] as const) {
        for (const assignment of [0.1, undefined]) {
          const left = await visit("shop", assignment, { path, headers: { "user-agent": agent } });
          expect([path, agent, left.status, left.name]).toEqual([path, agent, 200, "shop-master"]);
          expect([left.location, left.told["maxwellsdaemon-location"]]).toEqual(["master", "master"]);
          expect(left.cookies).toEqual([]);
        }
      }
      expect((await decided("shop", 0.1, { path: "/healthzz" })).name).toBe("shop-canary");
    });

    test("a link makes a tester's browser force a version, and stop that", async () => {
      for (const [word, assignment, name] of [
        ["always", 0.9, "shop-canary"],
        ["never", 0.1, "shop-master"],
      ] as const) {
        const link = await visit("shop", assignment, { path: `/maxwells-daemon/force/${word}` });
        const [cookie = ""] = link.cookies;
        expect([link.status, link.cookies.length]).toEqual([302, 1]);
        expect(link.response.headers.get("cache-control")).toBe("no-store");
        const headers = { cookie: cookie.split(";")[0] ?? "" };
        const served = name.endsWith("canary")
          ? await decided("shop", assignment, { headers })
          : await visit("shop", assignment, { headers });
        expect(served.name).toBe(name);
      }
      const off = await visit("shop", 0.9, { path: "/maxwells-daemon/force/off" });
      expect(off.cookies.join()).toContain("Max-Age=0");
      expect((await visit("shop", 0.9, { path: "/maxwells-daemon/force/blue" })).status).toBe(200);
    });

    test("versions get no header that CGI would confuse with the daemon's, if nginx passes such names", async () => {
      const headers = { maxwellsdaemon_location: "canary", x_other: "1" };
      const { told } = await visit("shop", 0.9, { headers });
      expect(told).toMatchObject({ "maxwellsdaemon-location": "master", x_other: "1" });
      expect(told).not.toHaveProperty("maxwellsdaemon_location");
    });

    test("in maintenance mode testers' addresses pass, and all other visitors see the page", async () => {
      write(1);
      const outside = { headers: { "x-forwarded-for": "192.0.2.1" } };
      await eventually(
        async () => (await visit("website", 0.1, outside)).status === 503,
        "the page",
        LATER_MS,
      );
      const inside = await visit("website", 0.1);
      expect([inside.status, inside.name, inside.location]).toEqual([200, "website-master", "master"]);
      expect((await visit("shop", 0.9, outside)).status).toBe(200);
      write(0);
      await eventually(
        async () => (await visit("website", 0.1, outside)).status === 200,
        "its end",
        LATER_MS,
      );
    });
  });
}

/** The site with its commented lines turned on, as its file says. The other line of each pair is removed. */
function withMarked(site: string): string {
  return (
    site
      .replace(/^ *(set_by_lua_block|rewrite_by_lua_block|if \(-f .* return).*\n/gm, "")
      .replace(/^( *)#(?=if \(\$maxwells|set\b|set_by|location|if \(-f| {4}|\})/gm, "$1")
      // Both options of one site in one line.
      .replace(/^ *#rewrite_by_lua_block .*left_out.*\n/m, "")
      .replace(
        /#rewrite_by_lua_block \{ (.*is_tester.*) \}/,
        (_, code: string) => `rewrite_by_lua_block { if ngx.var.maxwells_left_out == "" then ${code} end }`,
      )
  );
}
