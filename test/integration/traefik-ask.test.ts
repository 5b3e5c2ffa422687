/**
 * The shipped configuration of a Traefik that asks for each request, in a real Traefik, with a real daemon
 * and real upstreams. Above all it proves law 4: whatever happens to the daemon, no visitor sees an error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { covers } from "../../src/circle.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, FakeDaemon } from "../support/fake-daemon.ts";
import type { ProxyProcess } from "../support/proxy-process.ts";
import { Random } from "../support/random.ts";
import {
  applicationPath,
  fillTraefik,
  startTraefik,
  type TraefikPorts,
  traefikFlags,
  traefikMissing,
  traefikPorts,
} from "../support/traefik.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const COOKIE = /^maxwellsdaemon=(0\.\d+(?:e-\d+)?); Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/;

/** A visitor waits 500 ms here for a daemon that hangs. The rest is for a busy machine. */
const PATIENCE_MS = 2_000;

/** Half of an answer that looks like the daemon's to a request that is not a question. */
const STALLED = "HTTP/1.1 404 Not Found\r\nContent-Length: 50\r\n\r\nNot";

/** Answers as fast as the connection takes it. */
function sendForEver(socket: Socket): void {
  const blank = Buffer.alloc(65_536, " ");
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${Number.MAX_SAFE_INTEGER}\r\n\r\n`);
  const more = () => {
    while (socket.write(blank)) {}
  };
  socket.on("drain", more);
  more();
}

const ENDLESS: readonly (readonly [what: string, answer: Answer])[] = [
  ["stalls in the middle of each", (socket) => socket.write(STALLED)],
  ["gives one that never ends", sendForEver],
];

describe.skipIf(traefikMissing() !== undefined)("Traefik, by asking", () => {
  let directory: string;
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let traefik: ProxyProcess;
  let upstreams: Upstream[];
  let ports: TraefikPorts;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "traefik-"));
    ports = await traefikPorts();
    upstreams = (["master", "canary"] as const).map((name) => startUpstream(name, ports[name]));
    home = new DaemonHome({ flags: traefikFlags("ask", ports) });
    daemon = await home.start();
    traefik = await startTraefik(fillTraefik("ask", directory, ports, { isPatient: true }), ports.web);
  });

  afterAll(async () => {
    await traefik.stop();
    await daemon.end();
    for (const upstream of upstreams) upstream.stop();
    home.remove();
    rmSync(directory, { recursive: true });
  });

  async function visit(cookie?: string, init: RequestInit = {}) {
    const headers = {
      ...(init.headers as Record<string, string>),
      ...(cookie === undefined ? {} : { cookie }),
    };
    const target = `${traefik.url}/some/path?application=shop`;
    const response = await fetch(target, { redirect: "manual", ...init, headers });
    const text = await response.text();
    const cookies = response.headers.getSetCookie();
    const seen = response.status === 200 ? (JSON.parse(text) as Seen) : undefined;
    return { status: response.status, cookies, seen };
  }

  const known = (assignment: number | string, init?: RequestInit) =>
    visit(`maxwellsdaemon=${assignment}`, init);

  const isAt = async (name: string) => (await known(0.1)).seen?.name === name;

  test("a new visitor gets a cookie for a year, and stays", async () => {
    const names = new Set<string>();
    for (let visitor = 0; visitor < 60; visitor++) {
      const first = await visit();
      const [, assignment = ""] = COOKIE.exec(first.cookies.join()) ?? [];
      expect(first.seen?.headers).toMatchObject({ maxwellsdaemon: assignment });
      const again = await known(assignment);
      expect([again.seen?.name, again.cookies]).toEqual([first.seen?.name as string, []]);
      names.add(first.seen?.name as string);
    }
    expect(names.size).toBe(2);
  });

  test("Traefik places assignments as the daemon does, and upstreams get the location", async () => {
    const random = new Random();
    const drawn = Array.from({ length: 300 }, () => Math.floor(random.fraction() * 1e15) / 1e15);
    for (const assignment of [0, 0.24999999999999997, 0.25, 0.999999999999999, ...drawn]) {
      const { seen, cookies } = await known(assignment);
      const location = covers(0, 0.25, assignment) ? "canary" : "master";
      expect([seen?.name, cookies]).toEqual([location, []]);
      expect(seen?.headers).toMatchObject({
        maxwellsdaemon: String(assignment),
        "maxwellsdaemon-location": location,
      });
    }
  });

  test("Traefik does not believe a visitor's own headers: location, assignment, application, force", async () => {
    const forged = {
      maxwellsdaemon: "0.1",
      "maxwellsdaemon-location": "canary",
      maxwellsdaemon_location: "canary",
      "maxwellsdaemon-application": "shop",
      "maxwellsdaemon-force": "always",
      "x-forwarded-proto": "https",
    };
    const { seen, cookies } = await known(0.9, { headers: forged });
    expect(seen?.name).toBe("master");
    expect(seen?.headers).toMatchObject({ maxwellsdaemon: "0.9", "maxwellsdaemon-location": "master" });
    // To an upstream behind CGI or WSGI it would be the same header; and a cookie is the visitor's, not the
    // upstream's.
    expect(seen?.headers).not.toHaveProperty("maxwellsdaemon_location");
    expect((await visit()).seen?.headers).not.toHaveProperty("set-cookie");
    expect(cookies).toEqual([]);
    expect(COOKIE.test((await visit(undefined, { headers: forged })).cookies.join())).toBe(true);
  });

  test("hostile cookies are served by master, with a fresh assignment", async () => {
    for (const value of [
      "x",
      "1",
      "-0",
      "nan",
      "0".repeat(5_000),
      "0.1; maxwellsdaemon-location=canary x",
      "%0a",
    ]) {
      const { status } = await known(value);
      expect(status).toBe(200);
    }
    const { seen, cookies } = await known("x");
    expect(seen?.name).toBe("master");
    expect(cookies.join()).toMatch(COOKIE);
  });

  test("bodies and WebSockets reach the canary", async () => {
    const body = "x".repeat(300_000);
    const { seen } = await known(0.1, { method: "POST", body });
    expect([seen?.name, seen?.body === body]).toEqual(["canary", true]);
    const options = { headers: { cookie: "maxwellsdaemon=0.1" } } as unknown as string[];
    const socket = new WebSocket(`${traefik.url.replace("http", "ws")}/socket`, options);
    const answer = new Promise<string>((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(String(data));
      socket.onerror = () => reject(new Error("no WebSocket"));
    });
    socket.onopen = () => socket.send("hello");
    expect(await answer).toBe("canary: hello");
    socket.close();
  });

  test("a change in the store applies to the next request", async () => {
    home.write({ canary: 0 });
    await daemon.follows("canary", 0);
    expect(await isAt("master")).toBe(true);
    home.write({ canary: 0.25 });
    await daemon.follows("canary", 0.25);
    expect(await isAt("canary")).toBe(true);
  });

  test("another application is the same file under its own name, beside the first", async () => {
    const text = readFileSync(applicationPath(directory), "utf8").replaceAll("website", "shop");
    const [toMaster, toCanary] = [`127.0.0.1:${ports.master}`, `127.0.0.1:${ports.canary}`];
    const shop = text.replace("PathPrefix(`/`)", "Host(`shop.example`)").replaceAll(toMaster, toCanary);
    writeFileSync(applicationPath(directory, "shop"), shop);
    // Its master is at the address of the website's canary. The daemon does not serve it, so all visitors are
    // at its master.
    const atShop = async () => (await known(0.9, { headers: { host: "shop.example" } })).seen;
    await eventually(async () => (await atShop())?.name === "canary", "the shop's master serves");
    expect((await atShop())?.headers["maxwellsdaemon-location"]).toBe("master");
    expect((await known(0.9)).seen?.name).toBe("master");
    expect(await isAt("canary")).toBe(true);
    rmSync(applicationPath(directory, "shop"));
    await eventually(async () => (await atShop())?.name === "master", "the shop is gone");
  });

  test("the daemon does not count health checks as decisions", async () => {
    const counted = async () => (await daemon.state()).servers.find(({ name }) => name.startsWith("http"));
    const before = await counted();
    const deadline = performance.now() + 2_500;
    while (performance.now() < deadline) await Bun.sleep(100);
    expect((await counted())?.success).toBe(before?.success as number);
  });

  test.each(["SIGKILL", "SIGTERM", "SIGSTOP"] as const)(
    "law 4: after %s every visitor is at master at once, sees no error and gets no cookie",
    async (signal) => {
      await eventually(() => isAt("canary"), "the daemon is asked");
      if (signal === "SIGSTOP") daemon.signal(signal);
      else await daemon.end(signal);
      for (let visitor = 0; visitor < 100; visitor++) {
        const startedAtMs = performance.now();
        const headers = { "maxwellsdaemon-location": "canary", maxwellsdaemon: "0.1" };
        const { status, seen, cookies } = visitor % 2 === 0 ? await known(0.1, { headers }) : await visit();
        expect(performance.now() - startedAtMs).toBeLessThan(PATIENCE_MS);
        expect({ status, name: seen?.name, cookies }).toEqual({ status: 200, name: "master", cookies: [] });
        expect(seen?.headers["maxwellsdaemon-location"]).toBe("master");
        expect(seen?.headers).not.toHaveProperty("maxwellsdaemon");
      }
      if (signal === "SIGSTOP") daemon.signal("SIGCONT");
      else daemon = await home.start();
      await eventually(() => isAt("canary"), "the daemon is asked again");
    },
  );

  test("law 4: whatever another program answers in the daemon's place, it reaches no visitor", async () => {
    await daemon.end();
    const stranger = await FakeDaemon.start(ports.daemon);
    // This is before the next health check. That check would find the daemon gone, and Traefik would not ask.
    const admin = await FakeDaemon.start(ports.admin);
    admin.sign = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    try {
      await eventually(() => isAt("canary"), "the stranger is asked");
      for (const status of [204, 301, 302, 304, 400, 401, 403, 404, 407, 429, 500, 503, 599, 999]) {
        const head = `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n`;
        stranger.answer = (socket) => socket.write(`${head}Set-Cookie: session=evil\r\n\r\n`);
        const { status: seenStatus, seen, cookies } = await known(0.1);
        expect([status, seenStatus, seen?.name, cookies]).toEqual([status, 200, "master", []]);
      }
    } finally {
      await stranger.stop();
      await admin.stop();
    }
    daemon = await home.start();
    await eventually(() => isAt("canary"), "the daemon is asked again");
  });

  test.each(ENDLESS)(
    "law 4: no visitor waits for the answer of another program in the daemon's place that %s",
    async (_, answer) => {
      await daemon.end();
      const stranger = await FakeDaemon.start(ports.daemon);
      stranger.sign = STALLED;
      stranger.answer = answer;
      /** True if Traefik asks for a visitor that comes now. */
      const isAsked = async () => {
        const before = stranger.asked.length;
        await known(0.1, { signal: AbortSignal.timeout(1_000) }).catch(() => {});
        return stranger.asked.length > before;
      };
      try {
        await eventually(async () => !(await isAsked()), "the daemon is found gone");
        for (let visitor = 0; visitor < 100; visitor++) {
          const startedAtMs = performance.now();
          const { status, seen, cookies } = await known(0.1);
          expect(performance.now() - startedAtMs).toBeLessThan(PATIENCE_MS);
          expect({ status, name: seen?.name, cookies }).toEqual({ status: 200, name: "master", cookies: [] });
        }
        expect(await isAsked()).toBe(false);
      } finally {
        await stranger.stop();
      }
      daemon = await home.start();
      await eventually(() => isAt("canary"), "the daemon is asked again");
    },
  );

  test("law 4: no visitor sees an error while daemons come and go", async () => {
    let isOver = false;
    const seen = new Set<string>();
    const visiting = (async () => {
      while (!isOver) {
        const visits = await Promise.all(Array.from({ length: 8 }, () => known(0.1)));
        for (const { status, seen: upstream } of visits) seen.add(upstream?.name ?? `status ${status}`);
      }
    })();
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await daemon.end(signal);
      daemon = await home.start();
      await eventually(() => isAt("canary"), "the daemon is asked again");
    }
    isOver = true;
    await visiting;
    expect([...seen].sort()).toEqual(["canary", "master"]);
  });
});
