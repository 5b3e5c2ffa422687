/** The admin listener: its pages, the names that it answers to, and the limits of its clients. */

import { afterEach, describe, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { ADMIN_CONNECTIONS_MAX, Admin, type AdminOptions } from "../../src/admin/admin.ts";
import { isOwnHost, readAdminRequest } from "../../src/admin/request.ts";
import { whyNotReady } from "../../src/daemon/readiness.ts";
import { createCore, UNHEALTHY_MS } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";

const releases: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function start(options: Partial<AdminOptions> = {}) {
  const log = new KeptLog();
  const core = { ...createCore(), log };
  const admin = new Admin(core, {
    address: { host: "127.0.0.1", port: 0 },
    hosts: ["web1.example.com"],
    notReady: () => undefined,
    metrics: undefined,
    async *state() {
      yield '{"a":';
      yield "1}";
    },
    listeners: () => "{}",
    probes: (query) => query,
    ...options,
  });
  await admin.start();
  releases.push(() => admin.close());
  return { admin, log, core };
}

/** Sends bytes unchanged. Resolves with all bytes that came before the listener ended the connection. */
function exchange(admin: Admin, bytes: string): Promise<string> {
  const socket = open(admin);
  socket.write(bytes, "latin1");
  return received(socket);
}

function open(admin: Admin): Socket {
  const socket = createConnection({ host: "127.0.0.1", port: admin.port ?? 0, allowHalfOpen: true });
  releases.push(() => {
    socket.destroy();
  });
  return socket;
}

function received(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(text));
  });
}

const get = (path: string, host = "127.0.0.1:6293") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

describe("the admin listener", () => {
  test.each([
    ["1.1", "\r\n0\r\n\r\n"],
    ["1.0", ""],
  ])("a part longer than the output buffer is whole over HTTP/%s", async (version, end) => {
    const long = "0123456789".repeat(20_000);
    const { admin } = await start({
      async *state() {
        yield Buffer.from(long);
        yield Buffer.alloc(0);
        yield long;
      },
    });
    const request = get("/state").replace("HTTP/1.1", `HTTP/${version}`);
    const reply = await exchange(admin, request);
    const body = reply.slice(reply.indexOf("\r\n\r\n") + 4);
    expect(body.endsWith(end)).toBeTrue();
    expect(body.replaceAll(/(^|\r\n)[0-9a-f]+\r\n(\r\n)?/g, "")).toBe(long + long);
  });

  test("answers its pages, each on a connection of its own", async () => {
    const { admin } = await start();
    const reply = await exchange(admin, get("/healthz?a=b"));
    expect(reply).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(reply).toContain("\r\nConnection: close\r\n");
    expect(reply).toEndWith("\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n");
    expect(await exchange(admin, get("/readyz"))).toEndWith("ready\n");
    expect(await exchange(admin, get("/listeners"))).toEndWith("{}");
    expect(await exchange(admin, get("/metrics"))).toStartWith("HTTP/1.1 404 ");
    expect(await exchange(admin, get("/nothing"))).toContain(
      "/healthz, /readyz, /metrics, /state, /listeners",
    );
  });

  test("writes a long page in parts: in chunks, or up to the end of the connection", async () => {
    const { admin } = await start();
    expect(await exchange(admin, get("/state"))).toEndWith(
      'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
    );
    expect(await exchange(admin, "GET /state HTTP/1.0\r\n\r\n")).toEndWith(
      '\r\nConnection: close\r\n\r\n{"a":1}',
    );
    const response = await fetch(`${admin.url}/state`);
    expect(await response.json()).toEqual({ a: 1 });
  });

  test("answers HEAD without a body, and other methods with the ones that it allows", async () => {
    const { admin } = await start();
    expect(await exchange(admin, get("/healthz").replace("GET", "HEAD"))).toEndWith(
      "\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
    );
    const reply = await exchange(admin, get("/state").replace("GET", "POST"));
    expect(reply).toStartWith("HTTP/1.1 405 Method Not Allowed\r\n");
    expect(reply).toContain("\r\nAllow: GET, HEAD\r\n");
  });

  test("answers only to its own names, so a page on the web cannot make a browser read it", async () => {
    const { admin } = await start();
    for (const host of [
      "localhost",
      "127.0.0.1:80",
      "[::1]:6293",
      "10.1.2.3",
      "LocalHost.",
      "WEB1.example.com:6293",
    ]) {
      expect(await exchange(admin, get("/state", host))).toStartWith("HTTP/1.1 200 ");
    }
    for (const host of [
      "rebound.example.com",
      "localhost.example.com",
      "127.0.0.1.example.com:6293",
      "web1",
    ]) {
      const reply = await exchange(admin, get("/state", host));
      expect(reply).toStartWith("HTTP/1.1 403 ");
      expect(reply).toContain("-admin-host NAME");
    }
    expect(
      await exchange(admin, "GET http://rebound.example.com/state HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ).toStartWith("HTTP/1.1 403 ");
  });

  test.each([
    "GET /state HTTP/1.1\r\n\r\n",
    "GET /state HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "GET /state HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "GET  /state HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\x16\x03\x01\r\n\r\n",
  ])("%j is refused as a bad request", async (bytes) => {
    const { admin } = await start();
    expect(await exchange(admin, bytes)).toStartWith("HTTP/1.1 400 ");
  });

  test("law 5: takes heads of 8 kB, but no longer ones", async () => {
    const { admin } = await start();
    const filled = (length: number) =>
      get("/healthz").replace("\r\n\r\n", `\r\nCookie: ${"x".repeat(length)}\r\n\r\n`);
    expect(await exchange(admin, filled(8_000))).toStartWith("HTTP/1.1 200 ");
    expect(await exchange(admin, filled(9_000))).toStartWith("HTTP/1.1 431 ");
  });

  test("law 5: a slow request is cut off after two seconds, and a silent client after five", async () => {
    const { admin } = await start();
    const beganAtMs = performance.now();
    const slow = open(admin);
    const silent = open(admin);
    let at = 0;
    const drip = setInterval(() => slow.write(get("/healthz")[at++] ?? "x"), 200);
    expect(await received(slow)).toBe("");
    clearInterval(drip);
    const slowMs = performance.now() - beganAtMs;
    expect(slowMs).toBeGreaterThan(1_900);
    expect(slowMs).toBeLessThan(5_000);
    expect(await received(silent)).toBe("");
    expect(performance.now() - beganAtMs).toBeLessThan(9_000);
  }, 15_000);

  test.each(["", "GET /healthz"])(
    "answers beside a flood of connections that send only %j",
    async (first) => {
      const { admin } = await start();
      for (let i = 0; i < 3 * ADMIN_CONNECTIONS_MAX; i++) {
        const socket = open(admin);
        socket.on("error", () => {});
        socket.write(first);
      }
      await Bun.sleep(50);
      for (let i = 0; i < 10; i++) expect(await exchange(admin, get("/healthz"))).toStartWith("HTTP/1.1 200");
    },
  );

  test("law 5: holds 32 connections, and closes others at once", async () => {
    const { admin, log } = await start();
    const sockets = Array.from({ length: 3 * ADMIN_CONNECTIONS_MAX }, () => open(admin));
    let ended = 0;
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.once("close", () => ended++);
    }
    await eventually(() => ended >= 2 * ADMIN_CONNECTIONS_MAX, "the end of the other connections");
    expect(log.at("warn")[0]?.message).toStartWith("too many connections; ");
    for (const socket of sockets) socket.destroy();
    await eventually(
      async () => (await exchange(admin, get("/healthz"))).startsWith("HTTP/1.1 200"),
      "an answer again",
    );
  });

  test("law 5: makes a page no further than its client reads, and for four clients at a time", async () => {
    let made = 0;
    let begun = 0;
    const { admin } = await start({
      async *state() {
        begun++;
        for (let part = 0; part < 10_000; part++) {
          made++;
          yield "x".repeat(10_000);
        }
      },
    });
    const clients = Array.from({ length: 10 }, () => {
      const socket = open(admin);
      socket.pause();
      socket.write(get("/state"));
      return socket;
    });
    await eventually(async () => {
      const before = made;
      await Bun.sleep(100);
      return made > 0 && made === before;
    }, "the stop");
    expect(begun).toBe(4);
    expect(made).toBeLessThan(4 * 1_500);
    expect(await exchange(admin, get("/healthz"))).toEndWith("ok\n");
    for (const client of clients.slice(0, 9)) client.destroy();
    const [last] = clients.slice(9) as [Socket];
    let length = 0;
    last.on("data", (bytes) => {
      length += bytes.length;
    });
    last.resume();
    await eventually(() => length > 10_000 * 10_000, "the whole page for the last client");
  }, 30_000);

  test("does not end a page that fails halfway as if it were whole, and the log says so", async () => {
    const { admin, log } = await start({
      // biome-ignore lint/correctness/useYield: it throws before the first part
      async *state() {
        throw new Error("a bug");
      },
    });
    expect(await exchange(admin, get("/state"))).not.toContain("0\r\n\r\n");
    expect(log.at("error")[0]).toMatchObject({ fields: { path: "/state", error: "a bug" } });
    expect(await exchange(admin, get("/healthz"))).toEndWith("ok\n");
  });

  test("does not count its requests with those of visitors", async () => {
    const { admin, core } = await start();
    await exchange(admin, get("/healthz"));
    expect(core.metrics.servers).toEqual([]);
  });
});

describe("a daemon is ready", () => {
  const server = {
    name: "line unix:/a",
    trouble: undefined as string | undefined,
    async start() {},
    async close() {},
  };

  test("if a snapshot of every application counts, and proxies can connect", () => {
    const core = createCore({ applications: ["app", "web", "a", "b", "c"] });
    const servers = [{ ...server }];
    let isRead = false;
    const why = () => whyNotReady({ ...core, isRead: () => isRead, servers });
    expect(why()).toBe("the store has not been read yet for app, web, a and 2 more");
    for (const name of core.rollout.applications) core.apply(name, { rollout: 0.5 });
    expect(why()).toBe("the store has not been read yet for every application");
    isRead = true;
    expect(why()).toBeUndefined();
    core.advance(UNHEALTHY_MS - 1_000);
    core.apply("app", { rollout: 0.5 });
    core.advance(1_000);
    expect(why()).toBe("the store has been unreadable for longer than -unhealthy for web, a, b and 1 more");
    for (const name of core.rollout.applications) core.apply(name, { rollout: 0.5 });
    servers[0] = { ...server, trouble: "its file is gone" };
    expect(why()).toBe("no proxy can reach line unix:/a: its file is gone");
  });
});

test("the host of a request is its name without the port", () => {
  const hostOf = (host: string) => readAdminRequest(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`)?.host;
  expect(hostOf("A.b.:80")).toBe("a.b");
  expect(hostOf("[::1]:80")).toBe("::1");
  expect(hostOf("")).toBe("");
  const absolute = readAdminRequest("GET http://a.b:80/ HTTP/1.1\r\nhost: c\r\n\r\n");
  expect([absolute?.host, absolute?.headers.get("host")]).toEqual(["a.b", "a.b:80"]);
  expect(isOwnHost("", [])).toBeFalse();
  expect(isOwnHost(undefined, [])).toBeTrue();
});
