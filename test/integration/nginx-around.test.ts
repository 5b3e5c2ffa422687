/** nginx as it is shipped, with what others have around it in their configurations. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess, eventually } from "../support/daemon-process.ts";
import {
  fillExample,
  installPage,
  type Nginx,
  type NginxWay,
  nginxMissing,
  startNginx,
} from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

describe.skipIf(nginxMissing() !== undefined)("nginx, with other settings around the shipped ones", () => {
  let directory: string;
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let upstreams: Upstream[];
  let nginx: Nginx | undefined;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "nginx-around-"));
    installPage(directory);
    home = new DaemonHome({
      records: { canary: 0.25, maintenance: 0 },
      flags: ["-http", `unix:${join(directory, "http.sock")}`, "-allow-force"],
    });
    daemon = await home.start();
    upstreams = ["master", "canary"].map((name) => startUpstream(name, join(directory, `${name}.sock`)));
  });

  afterEach(async () => {
    await nginx?.stop();
  });

  afterAll(async () => {
    await daemon.end();
    for (const upstream of upstreams) upstream.stop();
    home.remove();
    rmSync(directory, { recursive: true });
  });

  /** The shipped file of a way, behind these settings of the http block. */
  async function start(way: NginxWay, around: string, change = (example: string) => example): Promise<void> {
    const port = await freePort();
    const example = fillExample(way, port, {
      ...{ master: join(directory, "master.sock"), canary: join(directory, "canary.sock") },
      daemon: way === "auth-request" ? join(directory, "http.sock") : home.socket,
      ...{ maintenanceFile: home.maintenanceFile, page: join(directory, "share") },
      ...{ standInPort: await freePort(), allowForce: true },
    });
    nginx = await startNginx(directory, port, `${around}\n${change(example)}`);
    await eventually(async () => (await visit("0.1")).name === "canary", "it decides");
  }

  async function visit(assignment?: string, init: RequestInit = {}) {
    const cookie = assignment === undefined ? {} : { cookie: `maxwellsdaemon=${assignment}` };
    const headers = { ...cookie, ...(init.headers as Record<string, string>) };
    const response = await fetch(`${nginx?.url}/page`, { ...init, headers });
    const text = await response.text();
    const seen = response.status === 200 ? (JSON.parse(text) as Seen) : undefined;
    return { status: response.status, text, name: seen?.name, cookies: response.headers.getSetCookie() };
  }

  test("what one visitor was told is not cached for the others", async () => {
    const cache = `
      proxy_cache_path ${join(directory, "cache")} keys_zone=all:1m;
      proxy_cache all;
      proxy_cache_valid any 1m;`;
    await start("auth-request", cache, (example) => {
      const key = "#     proxy_cache_key";
      expect(example).toContain(key);
      return example.replace(key, "proxy_cache_key");
    });
    for (let again = 0; again < 3; again++) {
      expect((await visit("0.1")).name).toBe("canary");
      expect((await visit("0.9")).name).toBe("master");
      await eventually(async () => (await visit()).cookies.length === 1, "a new visitor has a cookie");
    }
  });

  test("what a version failed in is not sent to another one", async () => {
    await start("auth-request", "proxy_intercept_errors on;");
    const post = { method: "POST", body: "order", headers: { "x-status": "500" } };
    const { status, text } = await visit("0.1", post);
    expect([status, text.includes("order")]).toEqual([500, false]);
    expect((await visit("0.1")).name).toBe("canary");
  });

  test.each(["auth-request", "ask", "lease"] as const)(
    "%s: maintenance is over at once, also with a cache of files",
    async (way) => {
      await start(way, "open_file_cache max=1000 inactive=60s; open_file_cache_errors on;");
      for (const isOn of [true, false]) {
        home.write({ canary: 0.25, maintenance: isOn ? 1 : 0 });
        const beganMs = performance.now();
        const status = isOn ? 503 : 200;
        await eventually(async () => (await visit("0.1")).status === status, `status ${status}`);
        expect(performance.now() - beganMs).toBeLessThan(3_000);
      }
    },
  );

  test.each(["auth-request", "ask", "lease"] as const)(
    "%s: a name that only begins like a version forces nothing",
    async (way) => {
      await start(way, "");
      const forced = async (word: string) => {
        const cookie = `maxwellsdaemon=0.9; maxwellsdaemon-force=${word}`;
        return (await visit(undefined, { headers: { cookie } })).name;
      };
      await eventually(async () => (await forced("canary")) === "canary", "canary is forced");
      for (const word of ["canary-x", "canary.x", "canaryx", "canary x"])
        expect(await forced(word)).toBe("master");
    },
  );

  test("lease: a reload of the file as it is goes on with the lease that is held", async () => {
    await start("lease", "");
    daemon.signal("SIGSTOP");
    try {
      nginx?.signal("SIGHUP");
      const untilMs = performance.now() + 1_000;
      while (performance.now() < untilMs) {
        expect((await visit("0.1")).name).toBe("canary");
        await Bun.sleep(20);
      }
    } finally {
      daemon.signal("SIGCONT");
    }
  });

  test("ask: a hiccup that many wait for at the same time is one failure, and nobody pauses for it", async () => {
    await start("ask", "");
    const atOnce = () => Promise.all(Array.from({ length: 12 }, () => visit("0.1")));
    await atOnce();
    daemon.signal("SIGSTOP");
    const missed = await atOnce();
    daemon.signal("SIGCONT");
    expect(missed.map(({ name }) => name)).toContain("master");
    const beganMs = performance.now();
    await eventually(async () => (await visit("0.1")).name === "canary", "the canary is back");
    // A pause takes a second.
    expect(performance.now() - beganMs).toBeLessThan(500);
  });

  test("ask: of two daemons each is asked for its own application", async () => {
    const other = new DaemonHome({ application: "shop", records: { canary: 0.9 } });
    const second = await other.start();
    try {
      await start("ask", "", (example) => withShop(example, other.socket));
      const inShop = async () => {
        const headers = { cookie: "maxwellsdaemon=0.5" };
        return (await (await fetch(`${nginx?.url}/shop`, { headers })).text()).trim();
      };
      await eventually(async () => (await inShop()) === "canary", "the shop's daemon decides");
      for (let again = 0; again < 20; again++) {
        expect((await visit("0.5")).name).toBe("master");
        await eventually(async () => (await inShop()) === "canary", "the shop's daemon decides");
      }
    } finally {
      await second.end();
      other.remove();
    }
  });
});

/** The example with a second application, of another daemon. */
function withShop(example: string, socket: string): string {
  const setup = `require("maxwells-daemon").setup { socket = "${socket}", application = "shop" }`;
  const location = `location /shop {
    set $maxwells_location "";
    set $maxwells_assignment "";
    rewrite_by_lua_block { require("maxwells-daemon").route("shop") }
    content_by_lua_block { ngx.say(ngx.var.maxwells_location) }
  }`;
  const changed = example
    .replace(/^init_by_lua_block \{[\s\S]*?(?=^\})/m, (block) => `${block}    ${setup}\n`)
    .replace("    location / {", () => `    ${location}\n    location / {`);
  for (const part of [setup, location])
    if (!changed.includes(part)) throw new Error("the example has no place for it");
  return changed;
}
