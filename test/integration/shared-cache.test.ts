/**
 * A shared cache in front of a proxy: Apache's mod_cache, which stores everything that HTTP lets it store.
 * Each new visitor still gets its own assignment, and replies without a new cookie are stored.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Apache, apacheMissing, startApache, wholeConfiguration } from "../support/apache.ts";
import { freePort } from "../support/port.ts";
import { Rig } from "./conformance/rig.ts";
import { apache as apacheMap } from "./proxies/apache.ts";
import { haproxyMap, haproxySpoe } from "./proxies/haproxy.ts";
import { nginxAsk, nginxAuthRequest, nginxLease } from "./proxies/nginx.ts";

const VISITORS = 6;
const PUBLIC = { "x-cache-control": "public, max-age=600" };

for (const integration of [nginxLease, nginxAsk, nginxAuthRequest, haproxyMap, haproxySpoe, apacheMap]) {
  const missing = apacheMissing() ?? integration.missing();
  describe.skipIf(missing !== undefined)(`a shared cache before ${integration.name}`, () => {
    const directory = mkdtempSync(join(tmpdir(), "shared-cache-"));
    let rig: Rig;
    let cache: Apache;

    beforeAll(async () => {
      rig = await Rig.start(integration);
      const port = await freePort();
      const store = join(directory, "store");
      mkdirSync(store);
      for (const path of [directory, store]) chmodSync(path, 0o777);
      const module = (name: string) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`;
      const site = `${module("cache")}${module("cache_disk")}Listen 127.0.0.1:${port}
<VirtualHost *:${port}>
    CacheRoot ${store}
    CacheEnable disk /
    CacheHeader on
    CacheQuickHandler on
    ProxyPass / ${rig.url}/
</VirtualHost>
`;
      cache = await startApache(directory, port, wholeConfiguration(directory, site));
    });

    afterAll(async () => {
      await cache?.stop();
      await rig?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    async function visit(path: string, cookie?: string) {
      const headers: Record<string, string> = cookie === undefined ? PUBLIC : { ...PUBLIC, cookie };
      const reply = await fetch(`${cache.url}${path}`, { headers });
      await reply.arrayBuffer();
      const cookies = reply.headers.getSetCookie().map((line) => line.split(";")[0]);
      return {
        status: reply.status,
        isKept: reply.headers.get("x-cache")?.startsWith("HIT") ?? false,
        cookies,
      };
    }

    test("new visitors of a page that says public get their own assignments", async () => {
      const given: (string | undefined)[] = [];
      // On a busy machine the decision may be late. Then the visitor gets no cookie.
      for (let visitor = 0; visitor < 10 * VISITORS && given.length < VISITORS; visitor++) {
        const path = `/page-${Math.floor(visitor / 10)}.png`;
        const { status, cookies, isKept } = await visit(path);
        expect([status, isKept && cookies.length > 0]).toEqual([200, false]);
        given.push(...cookies);
        if (cookies.length === 0) expect(integration.changeMs).toBe(0);
      }
      expect(given).toHaveLength(VISITORS);
      expect(new Set(given).size).toBe(VISITORS);
    });

    test("the cache may store a known visitor's reply, as without the daemon", async () => {
      const cookie = "maxwellsdaemon=0.9";
      expect(await visit("/known", cookie)).toMatchObject({ status: 200, cookies: [] });
      expect(await visit("/known", cookie)).toMatchObject({ status: 200, isKept: true, cookies: [] });
    });
  });
}
