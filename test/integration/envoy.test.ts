/**
 * The shipped configuration in a real Envoy, with daemons that misbehave. These tests go beyond those of the
 * conformance suite, which every integration passes.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { envoyMissing, fillEnvoy, startEnvoy } from "../support/envoy.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, FakeDaemon, TO_CANARY } from "../support/fake-daemon.ts";
import { freePort } from "../support/port.ts";
import type { ProxyProcess } from "../support/proxy-process.ts";
import { startUnixServer } from "../support/unix-server.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Visit, Visitors } from "../support/visitors.ts";

/** `consecutive_5xx` in the shipped file. */
const FAILURES_MAX = 50;

/** Node's server closes a connection that was idle for this long. */
const NODE_KEEPS_MS = 5_000;

const VERSIONS = ["master", "canary"];

/** This many visitors come at the same time. */
const AT_ONCE = 10;

const missing = envoyMissing();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("Envoy", () => {
  const directory = mkdtempSync(join(tmpdir(), "envoy-"));
  const path = (name: string) => join(directory, name);
  let upstreams: Upstream[];
  let daemon: FakeDaemon;
  let envoy: ProxyProcess;
  let visitors: Visitors;
  /** Hears outcomes, as the daemon does. */
  let outcomes: Bun.Server<undefined>;

  beforeAll(async () => {
    upstreams = VERSIONS.map((name) => startUpstream(name, path(`${name}.sock`)));
    daemon = await FakeDaemon.start(path("http.sock"));
    outcomes = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const port = await freePort();
    const sockets = { master: path("master.sock"), canary: path("canary.sock"), daemon: path("http.sock") };
    const configuration = fillEnvoy({
      port,
      ...sockets,
      outcomesPort: outcomes.port ?? 0,
      maintenanceFile: path("maintenance"),
      log: path("access.log"),
    });
    envoy = await startEnvoy(directory, port, configuration);
    visitors = new Visitors(port, false);
    await recovers();
  });

  afterEach(async () => {
    daemon.answer = (socket) => socket.write(TO_CANARY);
    await recovers();
  });

  afterAll(async () => {
    visitors?.close();
    await envoy?.stop();
    await outcomes?.stop(true);
    await daemon.stop();
    for (const upstream of upstreams) upstream.stop();
    rmSync(directory, { recursive: true });
  });

  async function visit(visit: Visit = {}) {
    const { status, cookies, body } = await visitors.visit(visit);
    const seen = status === 200 ? (JSON.parse(body) as Seen) : undefined;
    return { status, cookies, body, name: seen?.name, headers: seen?.headers ?? {} };
  }

  /** Waits until the canary serves. Until then only versions may answer. */
  async function recovers(): Promise<void> {
    await eventually(async () => {
      const { status, name } = await visit();
      expect(status).toBe(200);
      return name === "canary";
    }, "the canary serves");
  }

  const FORGED = [
    ["maxwellsdaemon-location", "canary"],
    ["Maxwellsdaemon-Location", "canary"],
    ["maxwellsdaemon_location", "canary"],
    ["maxwellsdaemon", "0.1"],
  ] as const;

  async function expectMaster(): Promise<void> {
    for (const headers of [[], FORGED]) {
      const served = await visit({ headers });
      expect([served.status, served.name, served.cookies]).toEqual([200, "master", []]);
      expect(served.headers["maxwellsdaemon-location"]).toBe("master");
      expect(served.headers["maxwellsdaemon"]).toBeUndefined();
      expect(served.headers["maxwellsdaemon_location"]).toBeUndefined();
    }
  }

  test("the daemon gets the headers that it needs, and nothing else of a visitor", async () => {
    daemon.asked.length = 0;
    await visit({
      method: "POST",
      target: "/a/b?c=d",
      headers: [
        ["cookie", "a=b; maxwellsdaemon=0.1"],
        ["authorization", "Basic c2VjcmV0"],
        ["x-forwarded-proto", "https"],
        ["maxwellsdaemon-application", "another"],
        ["maxwellsdaemon-key", "a"],
        ["maxwellsdaemon-force", "always"],
        ["x-secret", "1"],
      ],
      body: "x".repeat(1_000),
    });
    const [first, ...lines] = (daemon.asked[0] ?? "").split("\r\n");
    expect(first).toBe("POST /decide//a/b?c=d HTTP/1.1");
    const ours = lines.filter((line) => !/^(host|x-envoy-[a-z-]+|x-forwarded-for):/.test(line));
    expect(ours.sort()).toEqual([
      "content-length: 0",
      "cookie: a=b; maxwellsdaemon=0.1",
      "maxwellsdaemon-application: website",
      "maxwellsdaemon-cookie: set",
      "x-forwarded-proto: http",
    ]);
  });

  test("a visitor over HTTP/2 is known, although its cookies come one by one", async () => {
    daemon.asked.length = 0;
    const session = connect(envoy.url);
    const stream = session.request({ ":path": "/", cookie: ["a=b", "maxwellsdaemon=0.1"] });
    let body = "";
    stream.on("data", (bytes) => {
      body += String(bytes);
    });
    await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
    session.close();
    expect((JSON.parse(body) as Seen).name).toBe("canary");
    expect(daemon.asked[0]?.split("\r\n")).toContain("cookie: a=b; maxwellsdaemon=0.1");
  });

  const NONSENSE: Readonly<Record<string, Answer>> = {
    "status 500": (socket) => socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    "status 503 with headers": (socket) => socket.write(TO_CANARY.replace("200 OK", "503 No")),
    garbage: (socket) => socket.write("0.1\ncanary\n\r\n\r\n"),
    "half an answer": (socket) => socket.write(TO_CANARY.slice(0, -2)),
    "half an answer, and an end": (socket) => socket.end(TO_CANARY.slice(0, -2)),
    "an end": (socket) => socket.end(),
    "a reset": (socket) => socket.resetAndDestroy(),
    "too much": (socket) => socket.write(`HTTP/1.1 200 OK\r\na: ${"x".repeat(200_000)}\r\n`),
    "no headers": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    silence: () => {},
  };

  test.each(Object.keys(NONSENSE))("a daemon that answers with %s: master, and no error", async (what) => {
    daemon.answer = NONSENSE[what] ?? daemon.answer;
    const before = daemon.asked.length;
    for (let pair = 0; pair < 5; pair++) await expectMaster();
    expect(daemon.asked.length).toBeGreaterThan(before);
  });

  test("Envoy does not believe visitors' headers while no daemon listens", async () => {
    await daemon.stop();
    for (let pair = 0; pair < 5; pair++) await expectMaster();
    daemon = await FakeDaemon.start(path("http.sock"));
  });

  test("a persistent connection that died costs one visitor the canary, and nothing else", async () => {
    daemon.cut();
    await recovers();
    // It dies at the moment when it is used.
    daemon.answer = (socket) => {
      daemon.answer = (again) => again.write(TO_CANARY);
      socket.resetAndDestroy();
    };
    const served = await visit();
    expect([served.status, served.name, served.cookies]).toEqual([200, "master", []]);
    expect((await visit()).name).toBe("canary");
  });

  test("a daemon that hangs makes a few visitors wait, and then none", async () => {
    const { sign, answer } = daemon;
    daemon.answer = () => {};
    daemon.sign = undefined;
    try {
      const before = daemon.asked.length;
      let unasked = 0;
      for (let visits = 0; unasked < 500 && visits < 5_000; visits += AT_ONCE) {
        const asked = daemon.asked.length;
        await Promise.all(Array.from({ length: AT_ONCE }, expectMaster));
        unasked = daemon.asked.length === asked ? unasked + AT_ONCE : 0;
      }
      expect(unasked).toBeGreaterThanOrEqual(500);
      // Twice, because the first pause may end before the second health check is missed.
      expect(daemon.asked.length - before).toBeLessThanOrEqual(2 * (FAILURES_MAX + AT_ONCE));
    } finally {
      Object.assign(daemon, { sign, answer });
    }
  });

  test("Envoy does not ask another program in the daemon's place", async () => {
    await daemon.stop();
    daemon = await FakeDaemon.start(path("http.sock"));
    const sign = daemon.sign;
    daemon.sign = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    daemon.answer = (socket) => socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    const port = await freePort();
    const sockets = { master: path("master.sock"), canary: path("canary.sock"), daemon: path("http.sock") };
    const other = await startEnvoy(
      mkdtempSync(join(directory, "other-")),
      port,
      fillEnvoy({ port, ...sockets, maintenanceFile: path("maintenance"), log: path("access.log") }),
    );
    const others = new Visitors(port, false);
    try {
      for (let visitor = 0; visitor < 20; visitor++) {
        const { status, body } = await others.visit();
        expect([status, (JSON.parse(body) as Seen).name]).toEqual([200, "master"]);
      }
    } finally {
      others.close();
      await other.stop();
      daemon.sign = sign;
    }
  });

  test("maintenance asks no daemon, needs none, and ends with its file", async () => {
    writeFileSync(path("maintenance"), "");
    await eventually(async () => (await visitors.visit({})).status === 503, "maintenance mode");
    const before = daemon.asked.length;
    await daemon.stop();
    const { status, headers, cookies, body } = await visitors.visit({ headers: FORGED });
    expect([status, headers.get("retry-after"), cookies]).toEqual([503, "120", []]);
    expect(body).toContain("Back soon");
    expect(daemon.asked.length).toBe(before);
    // Law 8: if the disk does not say whether the file exists, nothing ends, nor at the next look.
    rmSync(path("maintenance"));
    symlinkSync("maintenance", path("maintenance"));
    const until = performance.now() + 1_500;
    while (performance.now() < until) expect((await visitors.visit({})).status).toBe(503);
    rmSync(path("maintenance"));
    await eventually(async () => (await visitors.visit({})).status === 200, "the end of it");
    daemon = await FakeDaemon.start(path("http.sock"));
  });

  test("a line of its log has the location, the assignment, the status, the time, and 0 for a new cookie", async () => {
    const cookie = "maxwellsdaemon=0.1; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
    daemon.answer = (socket) => socket.write(TO_CANARY.replace("\r\n", `\r\nset-cookie: ${cookie}\r\n`));
    expect((await visit()).cookies).toEqual([cookie]);
    daemon.answer = (socket) => socket.write(TO_CANARY);
    await visit({ headers: [["x-status", "500"]] });
    await daemon.stop();
    await visit();
    const lines = () => readFileSync(path("access.log"), "utf8").trim().split("\n").slice(-3);
    const wanted = [
      /^website canary 0\.1 200 \d+ 0$/,
      /^website canary 0\.1 500 \d+ 1$/,
      /^website master - 200 \d+ 1$/,
    ];
    await eventually(() => lines().every((line, i) => wanted[i]?.test(line)), "the three lines");
    daemon = await FakeDaemon.start(path("http.sock"));
  });

  test.each([
    ["master", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"],
    ["canary", TO_CANARY],
  ])(
    "Envoy closes an idle connection to %s before Node would, so it uses none that Node just closes",
    async (name, answer) => {
      const at = VERSIONS.indexOf(name);
      upstreams[at]?.stop();
      let usedAtMs = 0;
      const idle = Promise.withResolvers<number>();
      const version = await startUnixServer(path(`${name}.sock`), (socket) => {
        socket.on("data", () => {
          usedAtMs = performance.now();
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        });
        socket.on("end", () => idle.resolve(performance.now() - usedAtMs));
      });
      daemon.answer = (socket) => socket.write(answer);
      expect((await visit()).status).toBe(200);
      expect(await idle.promise).toBeLessThan(NODE_KEEPS_MS);
      await version.stop();
      upstreams[at] = startUpstream(name, path(`${name}.sock`));
    },
  );

  test("it logs nothing while everything goes well", () => {
    expect(envoy.log()).not.toMatch(/deprecated|error/i);
  });
});
