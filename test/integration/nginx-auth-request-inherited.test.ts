/**
 * The shipped nginx that asks by `auth_request`, within a larger configuration. Settings that it inherits
 * from there change no decision. Only the daemon's own failure sends a request to master.
 */

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { FakeDaemon } from "../support/fake-daemon.ts";
import { fillExample, installPage, nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { startUpstream } from "../support/upstream.ts";

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: nginx with auth_request: ${missing}`);

/** Longer than any wait here. */
const HANGS_MS = 5_000;

describe.skipIf(missing !== undefined)("nginx with auth_request", () => {
  const ends: (() => unknown)[] = [];
  let directory: string;
  let daemon: FakeDaemon;

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /**
   * Starts the example with more lines in the http block, and in its server. Its daemon sends the right
   * visitors to the canary.
   */
  async function start({ http = "", server = "", allowForce = false } = {}): Promise<string> {
    directory = mkdtempSync(join(tmpdir(), "nginx-auth-request-"));
    ends.push(() => rmSync(directory, { recursive: true, force: true }));
    const place = (name: string) => join(directory, name);
    daemon = await FakeDaemon.start(place("daemon.sock"));
    ends.push(() => daemon.stop());
    daemon.answer = (socket, head) => {
      const [, assignment = "0.9"] = /^maxwellsdaemon: (.*)\r$/m.exec(head) ?? [];
      const location = Number(assignment) < 0.25 ? "canary" : "master";
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nmaxwellsdaemon: ${assignment}\r\nmaxwellsdaemon-location: ${location}\r\n\r\n`,
      );
    };
    for (const name of ["master", "canary"]) {
      const upstream = startUpstream(name, place(name));
      ends.push(() => upstream.stop());
    }
    installPage(directory);
    const port = await freePort();
    const example = fillExample("auth-request", port, {
      ...{ master: place("master"), canary: place("canary"), daemon: place("daemon.sock") },
      ...{ maintenanceFile: place("maintenance"), page: place("share") },
      ...{ standInPort: await freePort(), allowForce },
    });
    const nginx = await startNginx(
      directory,
      port,
      http + example.replace("location / {", () => `${server}\n location / {`),
    );
    ends.push(() => nginx.stop());
    return nginx.url;
  }

  async function visit(url: string, assignment: number, init: RequestInit = {}) {
    const headers = new Headers(init.headers);
    headers.append("cookie", `maxwellsdaemon=${assignment}`);
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(HANGS_MS) });
    const text = await response.text();
    return { status: response.status, name: /"name":"(\w+)"/.exec(text)?.[1] };
  }

  /** On a busy machine some answers are too late. */
  const becomes = (url: string, assignment: number, name: string) =>
    eventually(async () => (await visit(url, assignment)).name === name, `${assignment} at ${name}`);

  test("a cache for upstreams gives no visitor another visitor's decision", async () => {
    const url = await start({
      http: "proxy_cache_path cache keys_zone=all:1m; proxy_cache all; proxy_cache_valid any 1m;",
    });
    await becomes(url, 0.1, "canary");
    expect(await visit(url, 0.9)).toEqual({ status: 200, name: "master" });
    await becomes(url, 0.1, "canary");
  });

  test("maintenance mode begins and ends at once even if nginx caches file look-ups", async () => {
    const url = await start({
      http: "open_file_cache max=100 inactive=60s; open_file_cache_valid 60s; open_file_cache_errors on;",
    });
    for (let turn = 0; turn < 2; turn++) {
      expect((await visit(url, 0.1)).status).toBe(200);
      writeFileSync(join(directory, "maintenance"), "");
      expect((await visit(url, 0.1)).status).toBe(503);
      rmSync(join(directory, "maintenance"));
    }
  });

  test("a site under `satisfy any` is not open to all visitors", async () => {
    const url = await start({ server: "satisfy any; deny all;" });
    expect(await visit(url, 0.1)).toEqual({ status: 403, name: undefined });
  });

  test("nginx does not mistake a version's own error for the daemon's, and sends nothing twice", async () => {
    const url = await start({ http: "proxy_intercept_errors on;" });
    await becomes(url, 0.1, "canary");
    const failing = { method: "POST", body: "an order", headers: { "x-status": "500" } };
    expect(await visit(url, 0.1, failing)).toEqual({ status: 500, name: undefined });
  });

  test("a body that nginx cannot store is an error at once, and not half a body for master", async () => {
    const url = await start();
    await becomes(url, 0.1, "canary");
    rmSync(join(directory, "body"), { recursive: true });
    writeFileSync(join(directory, "body"), "no directory");
    const large = { method: "POST", body: "x".repeat(1_000_000 - 1) };
    expect(await visit(url, 0.1, large)).toEqual({ status: 500, name: undefined });
    // Even if the daemon fails at the same time, a small body reaches master.
    daemon.answer = (socket) => socket.write("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    expect(await visit(url, 0.1, { method: "POST", body: "x" })).toEqual({ status: 200, name: "master" });
  });

  test("a tester's cookie may name any version", async () => {
    const url = await start({ allowForce: true });
    const told = async (cookie: string) => {
      await visit(url, 0.1, { headers: { cookie: `a=b; maxwellsdaemon-force=${cookie}` } });
      return /^maxwellsdaemon-force: (.*)\r$/m.exec(`${daemon.asked.at(-1)}\r`)?.[1];
    };
    for (const word of ["always", "v-1.2_3", "2.0", "x".repeat(64)]) expect(await told(word)).toBe(word);
    for (const word of ["", "x".repeat(65), "canary%20", "a/b"]) expect(await told(word)).toBeUndefined();
  });
});
