/**
 * The shipped nginx that asks by `auth_request`, beyond the conformance suite, above all with daemons that
 * misbehave. Whatever they do, master serves the visitor, and the visitor sees no error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { fillExample, installPage, type Nginx, nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: nginx with auth_request: ${missing}`);

/** nginx does not ask a failed daemon for this long: whole seconds of nginx's clock, and a little. */
const PAUSE_MS = 2_200;

/** A daemon's answer to a visitor with the assignment 0.1, or with none. */
const CANARY = reply("200 OK", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: canary");

function reply(status: string, ...headers: string[]): string {
  return [`HTTP/1.1 ${status}`, ...headers, "Content-Length: 0", "", ""].join("\r\n");
}

/** Answers that are malformed, or not a daemon's. */
const ANSWERS: Readonly<Record<string, string>> = {
  nothing: "",
  "status 500": reply("500 No", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: canary"),
  ...Object.fromEntries(
    [100, 199, 206, 301, 302, 304, 400, 401, 403, 404, 407, 418, 429, 499, 502, 503, 504, 511, 599, 999].map(
      (status) => [`status ${status}`, reply(`${status} No`, "maxwellsdaemon: 0.1")],
    ),
  ),
  "status 599 with a location": reply("599 No", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: canary"),
  "no HTTP": "hello\n",
  "the line protocol": "0.1\ncanary\n",
  "binary bytes": "\x00\x01\x02\xff".repeat(100),
  "HTTP/0.9": "<html>",
  "HTTP/1.0 without headers": "HTTP/1.0 200 OK\r\n\r\n",
  "huge headers": reply("200 OK", `x: ${"y".repeat(100_000)}`, "maxwellsdaemon-location: canary"),
  "many headers": reply("200 OK", ...Array.from({ length: 5_000 }, (_, index) => `x${index}: y`)),
  "no end of headers": "HTTP/1.1 200 OK\r\nmaxwellsdaemon-location: canary\r\n",
  "half a status line": "HTTP/1.1 20",
  "an unknown location": reply("200 OK", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: blue"),
  "an address as location": reply("200 OK", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: 127.0.0.1:1"),
  "an empty location": reply("200 OK", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: "),
  "maintenance as location": reply("200 OK", "maxwellsdaemon: 0.1", "maxwellsdaemon-location: maintenance"),
  "another's cookie": reply("200 OK", "Set-Cookie: session=evil; Path=/"),
  "a cookie that is not a number": reply("200 OK", "Set-Cookie: maxwellsdaemon=evil; Path=/; HttpOnly"),
  "an assignment that is none": reply("200 OK", "maxwellsdaemon: evil", "maxwellsdaemon-location: master"),
};

interface Visit {
  readonly status: number;
  readonly seen: Seen;
  readonly cookies: readonly string[];
  readonly tookMs: number;
}

describe.skipIf(missing !== undefined)("nginx with auth_request", () => {
  let directory: string;
  let daemonSocket: string;
  let nginx: Nginx;
  const upstreams: Upstream[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "nginx-auth-request-"));
    daemonSocket = join(directory, "http.sock");
    const port = await freePort();
    installPage(directory);
    const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
    upstreams.push(startUpstream("master", master), startUpstream("canary", canary));
    const example = fillExample("auth-request", port, {
      ...{ daemon: daemonSocket, master, canary, standInPort: await freePort() },
      ...{ maintenanceFile: join(directory, "maintenance"), page: join(directory, "share") },
    });
    nginx = await startNginx(directory, port, example);
  });

  afterAll(async () => {
    await nginx?.stop();
    for (const upstream of upstreams) upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function visit(cookie?: string, init: RequestInit = {}): Promise<Visit> {
    const headers = new Headers(init.headers);
    if (cookie !== undefined) headers.set("cookie", cookie);
    const beganMs = performance.now();
    const response = await fetch(`${nginx.url}/`, { ...init, headers, redirect: "manual" });
    const text = await response.text();
    const tookMs = performance.now() - beganMs;
    const seen = response.status === 200 ? (JSON.parse(text) as Seen) : { name: text, headers: {}, body: "" };
    return { status: response.status, seen, cookies: response.headers.getSetCookie(), tookMs };
  }

  const known = () => visit("maxwellsdaemon=0.1");

  /** Puts a stand-in in the daemon's place. `use` runs once nginx has found it. */
  async function withStandIn(
    answer: (head: string, socket: Socket) => void,
    use: (asked: () => number) => Promise<void>,
  ): Promise<void> {
    const clients = new Set<Socket>();
    let asked = 0;
    const server = createServer((socket) => {
      clients.add(socket);
      socket.on("close", () => clients.delete(socket));
      socket.on("error", () => {});
      let head = "";
      socket.on("data", (chunk) => {
        head += chunk.toString("latin1");
        if (!head.endsWith("\r\n\r\n")) return;
        asked++;
        answer(head, socket);
        head = "";
      });
    });
    await new Promise<void>((resolve) => server.listen(daemonSocket, resolve));
    try {
      await use(() => asked);
    } finally {
      for (const socket of clients) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(daemonSocket, { force: true });
    }
  }

  async function isCanary(): Promise<void> {
    await eventually(async () => {
      const { status, seen } = await known();
      expect(status).toBe(200);
      return seen.name === "canary";
    }, "a daemon that answers");
  }

  test("if a daemon answers nonsense, refuses, or breaks off, all visitors go to master, and none sees an error", async () => {
    let bytes = CANARY;
    let thenCloses = false;
    await withStandIn(
      (_, socket) => {
        if (thenCloses) socket.end(bytes, "latin1");
        else socket.write(bytes, "latin1");
      },
      async () => {
        for (const closes of [true, false]) {
          for (const [what, answer] of Object.entries(ANSWERS)) {
            thenCloses = false;
            bytes = CANARY;
            await isCanary();
            thenCloses = closes;
            bytes = answer;
            for (const cookie of ["maxwellsdaemon=0.1", undefined]) {
              const { status, seen, cookies } = await visit(cookie);
              expect([what, closes, status, seen.name, cookies]).toEqual([what, closes, 200, "master", []]);
              expect(seen.headers["maxwellsdaemon-location"]).toBe("master");
            }
            const post = await visit("maxwellsdaemon=0.1", { method: "POST", body: "a body" });
            expect([what, post.status, post.seen.name, post.seen.body]).toEqual([
              what,
              200,
              "master",
              "a body",
            ]);
          }
        }
      },
    );
  }, 120_000);

  test("a body after the answer reaches no visitor, and no connection is used again with half an answer on it", async () => {
    let body = "";
    await withStandIn(
      (head, socket) => {
        const [, assignment = ""] = /^maxwellsdaemon: (.*)\r$/m.exec(head) ?? [];
        const location = Number(assignment) < 0.25 ? "canary" : "master";
        socket.write(
          `HTTP/1.1 200 OK\r\nmaxwellsdaemon: ${assignment}\r\nmaxwellsdaemon-location: ${location}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      },
      async () => {
        await isCanary();
        for (body of ["x", "y".repeat(1_000_000), CANARY]) {
          for (let visitor = 0; visitor < 20; visitor++) {
            const { status, seen } = await visit(`maxwellsdaemon=${visitor / 20}`);
            // On a busy machine some answers may be too late.
            if (seen.headers["maxwellsdaemon-location"] === "canary") expect(visitor / 20).toBeLessThan(0.25);
            expect([status, seen.headers["maxwellsdaemon"]]).toEqual([200, String(visitor / 20)]);
          }
        }
      },
    );
  }, 30_000);

  test("the daemon gets the assignment and the headers that it needs, and nothing else of the visitor", async () => {
    let told = "";
    await withStandIn(
      (head, socket) => {
        told = head;
        socket.write(CANARY);
      },
      async () => {
        await isCanary();
        await visit("session=secret; maxwellsdaemon=0.1", {
          method: "POST",
          body: "a body",
          headers: { authorization: "Basic c2VjcmV0", "maxwellsdaemon-force": "always", "x-a": "b" },
        });
        expect(told.split("\r\n").filter((line) => line !== "")).toEqual([
          "GET /decide HTTP/1.1",
          "Host: localhost",
          "X-Forwarded-Proto: http",
          "maxwellsdaemon: 0.1",
          "maxwellsdaemon-cookie: set",
          "maxwellsdaemon-application: website",
        ]);
        await visit("maxwellsdaemon=0.1%0d%0amaxwellsdaemon-force: always");
        expect(told).not.toContain("maxwellsdaemon:");
      },
    );
  }, 30_000);

  test("a daemon that hangs costs the first visitors 8 ms and all others nothing, but one every second or two", async () => {
    let hangs = false;
    await withStandIn(
      (_, socket) => {
        if (!hangs) socket.write(CANARY);
      },
      async (asked) => {
        await isCanary();
        hangs = true;
        const before = asked();
        const tookMs: number[] = [];
        for (let visitor = 0; visitor < 300; visitor++) {
          const { status, seen, tookMs: ms } = await known();
          expect([status, seen.name]).toEqual([200, "master"]);
          tookMs.push(ms);
        }
        const slow = asked() - before;
        expect(slow).toBeGreaterThanOrEqual(1);
        // 50 failures, and a few probes.
        expect(slow).toBeLessThanOrEqual(60);
        tookMs.sort((a, b) => a - b);
        expect(tookMs[299]).toBeGreaterThan(5);
        expect(tookMs[299]).toBeLessThan(500);
        // It is found again by a single probe.
        hangs = false;
        await Bun.sleep(PAUSE_MS);
        await isCanary();
      },
    );
  }, 30_000);

  test("while no daemon listens, the log does not grow with the visitors", async () => {
    for (let visitor = 0; visitor < 60; visitor++) await known();
    const before = nginx.errorLog().split("\n").length;
    for (let visitor = 0; visitor < 500; visitor++) {
      const { status, seen, cookies } = await visit(visitor % 2 === 0 ? "maxwellsdaemon=0.1" : undefined);
      expect([status, seen.name, cookies]).toEqual([200, "master", []]);
    }
    expect(nginx.errorLog().split("\n").length - before).toBeLessThan(20);
  }, 30_000);

  test("connections to the daemon are used again and again", async () => {
    const connections = new Set<Socket>();
    await withStandIn(
      (_, socket) => {
        connections.add(socket);
        socket.write(CANARY);
      },
      async () => {
        await isCanary();
        connections.clear();
        for (let visitor = 0; visitor < 300; visitor++) await known();
        expect(connections.size).toBeLessThanOrEqual(3);
      },
    );
  }, 30_000);

  test("no visitor can ask the daemon", async () => {
    await withStandIn(
      (_, socket) => socket.write(CANARY),
      async () => {
        const response = await fetch(`${nginx.url}/maxwells-daemon/decide/website`);
        expect(response.status).toBe(404);
      },
    );
  });
});
