/**
 * Tests that only Caddy needs, with the shipped Caddyfile. Caddy asks over HTTP, so any program may listen in
 * the daemon's place. And a question may not harm the request that it is for. Tests for every proxy are in
 * the conformance suite.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";
import { caddyLogIn, caddyMissing, fillCaddyfile, startCaddy } from "../support/caddy.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import type { ProxyProcess } from "../support/proxy-process.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";
import { Visitors } from "../support/visitors.ts";

/**
 * The Caddyfile's `max_fails` and `fail_duration`: after this many failures in that time, Caddy does not ask.
 */
const FAILURES_MAX = 10;
const FAILURES_MS = 1_000;

/**
 * On a busy machine Caddy may take longer than its time-out. This is still shorter than a real wait for a
 * daemon.
 */
const PATIENT_MS = 3_000;

const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
const CANARY = "maxwellsdaemon: 0.1\r\nmaxwellsdaemon-location: canary\r\n";
const COOKIE = "maxwellsdaemon=0.1; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";

/**
 * A body of this size fits into Caddy's write buffer. With larger bodies Debian's Caddy 2.6.2 breaks off
 * about one answer in a thousand, if the upstream answers as soon as it has the last byte. That is so with a
 * daemon, without one, and if Caddy does not ask at all.
 */
const BODY_BYTES = 3_000;

const PAGE = join(import.meta.dir, "../../integrations/caddy/maintenance.html");

/** A program in the daemon's place. It does something with each chunk that it receives. */
type Stranger = (socket: Socket) => void;

const say =
  (text: string): Stranger =>
  (socket) => {
    socket.write(text);
  };

const STRANGERS: readonly (readonly [what: string, stranger: Stranger])[] = [
  [
    "answers 500, and still has an answer",
    say(`HTTP/1.1 500 No\r\ncontent-length: 0\r\n${CANARY}set-cookie: ${COOKIE}\r\n\r\n`),
  ],
  ["answers 404", say("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno")],
  ["answers 401", say("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")],
  ["answers 302", say("HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n")],
  ["answers with nothing in it", say(`${HEAD}\r\n`)],
  [
    "names a version that is none here",
    say(`${HEAD}maxwellsdaemon: 0.1\r\nmaxwellsdaemon-location: blue\r\n\r\n`),
  ],
  [
    "switches protocols",
    say("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
  ],
  ["says garbage", say("\0\x01\x02garbage\r\n\r\n")],
  ["speaks another protocol", say("SSH-2.0-OpenSSH_9.2p1\r\n")],
  ["says half of a head", say(HEAD)],
  ["has a head without end", say(`${HEAD}${"x: y\r\n".repeat(100_000)}`)],
  [
    "gives a cookie beside a number that is none",
    say(`${HEAD}maxwellsdaemon: half\r\nmaxwellsdaemon-location: canary\r\nset-cookie: ${COOKIE}\r\n\r\n`),
  ],
  [
    "gives a cookie, and no number",
    say(`${HEAD}maxwellsdaemon-location: canary\r\nset-cookie: ${COOKIE}\r\n\r\n`),
  ],
  ["has control characters in its answer", say(`${HEAD}maxwellsdaemon: 0.1\x01\r\n${CANARY}\r\n`)],
  [
    "has a body that never ends",
    say(`HTTP/1.1 500 No\r\ncontent-length: 1000000000\r\n\r\n${"x".repeat(100_000)}`),
  ],
  ["is slow", (socket) => void setTimeout(() => socket.write(`${HEAD}${CANARY}\r\n`), 400)],
  ["says nothing", () => {}],
  ["hangs up", (socket) => void socket.end()],
  ["breaks off", (socket) => void socket.terminate()],
];

describe.skipIf(caddyMissing() !== undefined)("Caddy", () => {
  let directory: string;
  let caddy: ProxyProcess;
  let visitors: Visitors;
  let upstreams: Upstream[] = [];
  let daemon: { stop(): void } | undefined;
  let questions: string[];

  const path = (name: string) => join(directory, `${name}.sock`);
  const startUpstreams = () => (["master", "canary"] as const).map((name) => startUpstream(name, path(name)));

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "caddy-"));
    upstreams = startUpstreams();
    const port = await freePort();
    const caddyfile = fillCaddyfile({
      ...{ directory, port, daemon: path("daemon"), master: path("master"), canary: path("canary") },
      maintenanceFile: join(directory, "maintenance/website"),
    });
    caddy = await startCaddy(directory, port, caddyfile);
    visitors = new Visitors(port);
  });

  afterAll(async () => {
    visitors.close();
    await caddy.stop();
    for (const upstream of upstreams) upstream.stop();
    rmSync(directory, { recursive: true });
  });

  /** Puts a stranger in the daemon's place. */
  function listen(stranger: Stranger): void {
    questions = [];
    const listener = Bun.listen({
      unix: path("daemon"),
      socket: {
        data(socket, chunk) {
          questions.push(chunk.toString("latin1"));
          stranger(socket);
        },
      },
    });
    daemon = {
      stop() {
        listener.stop(true);
        rmSync(path("daemon"), { force: true });
      },
    };
  }

  /** Ends the stranger, and waits until Caddy has forgotten its failures. */
  afterEach(async () => {
    daemon?.stop();
    daemon = undefined;
    await Bun.sleep(FAILURES_MS);
  });

  const lies = [
    ["cookie", "maxwellsdaemon=0.1"],
    ["Maxwellsdaemon", "0.1"],
    ["MAXWELLSDAEMON-location", "canary"],
    ["maxwellsdaemon_location", "canary"],
  ] as const;

  /** One visit that master has to serve, exactly as it does without a daemon. */
  async function expectMaster(method: string, body: string): Promise<void> {
    const reply = await visitors.visit({ method, target: "/a?b=c", headers: lies, body });
    expect([reply.status, reply.cookies]).toEqual([200, []]);
    const seen = JSON.parse(reply.body) as Seen;
    expect([seen.name, seen.body === body, seen.headers["maxwellsdaemon-location"]]).toEqual([
      ...["master", true],
      "master",
    ]);
    expect(seen.headers["maxwellsdaemon_location"]).toBeUndefined();
    expect(["0.1", undefined]).toContain(seen.headers["maxwellsdaemon"]);
    expect(reply.tookMs).toBeLessThan(PATIENT_MS);
  }

  test.each(STRANGERS)(
    "law 4: master serves while the program in the daemon's place %s",
    async (_, stranger) => {
      listen(stranger);
      const body = "x".repeat(BODY_BYTES);
      for (let visit = 0; visit < 5; visit++) {
        await expectMaster("GET", "");
        await expectMaster("POST", body);
        await expectMaster("DELETE", "");
      }
      expect(questions.length).toBeGreaterThan(0);
    },
  );

  test("law 4: without a daemon, Caddy does not believe visitors' headers, and loses nothing", async () => {
    for (let bytes = 0; bytes < BODY_BYTES; bytes += 50) await expectMaster("POST", "x".repeat(bytes));
    const streamed = await fetch(caddy.url, {
      method: "PUT",
      body: new ReadableStream({
        start(controller) {
          for (let chunk = 0; chunk < 20; chunk++) controller.enqueue("y".repeat(10_000));
          controller.close();
        },
      }),
    });
    const seen = (await streamed.json()) as Seen;
    expect([streamed.status, seen.name, seen.body.length]).toEqual([200, "master", 200_000]);
    const socket = new WebSocket(caddy.url.replace("http", "ws"));
    const answer = new Promise((resolve, reject) => {
      socket.onmessage = (message) => resolve(message.data);
      socket.onerror = () => reject(new Error("the WebSocket failed"));
    });
    socket.onopen = () => socket.send("hello");
    expect(await answer).toBe("master: hello");
    socket.close();
    // And an outage does not fill the log.
    expect(caddy.log()).not.toContain('"level":"error"');
  });

  test("law 4: a daemon that hangs is asked for a few visitors a second, and then for none", async () => {
    listen(() => {});
    const beganMs = performance.now();
    let visits = 0;
    for (; visits < 1_000; visits++) await expectMaster("GET", "");
    const seconds = (performance.now() - beganMs) / FAILURES_MS;
    expect(questions.length).toBeLessThanOrEqual(FAILURES_MAX * (Math.ceil(seconds) + 1));
  });

  test("law 4: a head too large for the socket's buffer costs no more than any other, while the daemon hangs", async () => {
    // Accepts and never reads.
    listen((socket) => socket.pause());
    upstreams[0]?.stop();
    const master = Bun.listen({
      unix: path("master"),
      socket: {
        data(socket, chunk) {
          if (chunk.toString("latin1").endsWith("\r\n\r\n")) socket.write(`${HEAD}\r\n`);
        },
      },
    });
    try {
      for (let visit = 0; visit < 3; visit++) {
        const { status, tookMs } = await visitors.visit({
          headers: [["cookie", `a=${"x".repeat(120_000)}`]],
        });
        expect(status).toBe(200);
        expect(tookMs).toBeLessThan(PATIENT_MS);
      }
    } finally {
      master.stop(true);
      rmSync(path("master"), { force: true });
      upstreams = [startUpstream("master", path("master")), ...upstreams.slice(1)];
    }
  });

  test("a question has the visitor's cookie, and neither its body nor its forged headers", async () => {
    listen(say(`${HEAD}${CANARY}\r\n`));
    const headers = [
      ...lies,
      ["cookie", "a=b"],
      ["maxwellsdaemon-application", "another"],
      ["maxwellsdaemon-key", "a"],
      ["maxwellsdaemon-force", "always"],
    ] as const;
    const body = "secret".repeat(BODY_BYTES / 6);
    for (const [method, target] of [
      ["POST", "/a?application=another"],
      ["GET", "/decide"],
      ["GET", "/decide?application=another"],
    ] as const) {
      // The upstream reads no body of a GET, but the request would fail if the question had taken the body.
      const sent = method === "GET" ? "" : body;
      questions = [];
      const reply = await visitors.visit({ method, target, headers, body });
      const seen = JSON.parse(reply.body) as Seen;
      expect([seen.name, seen.body === sent, seen.headers["maxwellsdaemon"]]).toEqual([
        "canary",
        true,
        "0.1",
      ]);
      const question = questions.join("");
      expect(question).toStartWith("GET /decide");
      expect(question).not.toContain("another");
      expect(question.toLowerCase()).toContain("\r\ncookie: maxwellsdaemon=0.1\r\n");
      expect(
        question
          .toLowerCase()
          .match(/maxwellsdaemon[-_a-z]*: .*/g)
          ?.sort(),
      ).toEqual(["maxwellsdaemon-cookie: set", "maxwellsdaemon-force: off"]);
      expect(question).not.toContain("secret");
    }
  });

  test.each(["maxwellsdaemon-location", "Maxwellsdaemon, maxwellsdaemon-location", "close, MAXWELLSDAEMON"])(
    "a visitor with Connection: %s removes no header from the upstream",
    async (connection) => {
      listen(say(`${HEAD}${CANARY}\r\n`));
      const { body } = await visitors.visit({ headers: [["connection", connection]] });
      expect((JSON.parse(body) as Seen).headers).toMatchObject({
        maxwellsdaemon: "0.1",
        "maxwellsdaemon-location": "canary",
      });
      daemon?.stop();
      const alone = await visitors.visit({ headers: [["connection", connection]] });
      expect((JSON.parse(alone.body) as Seen).headers["maxwellsdaemon-location"]).toBe("master");
    },
  );

  test.each(["+0.1", "1E-1", "1e-1", ".1", "+1.0e-01"])(
    "a spelling that the daemon repeats counts: %s",
    async (spelling) => {
      listen(say(`${HEAD}maxwellsdaemon: ${spelling}\r\nmaxwellsdaemon-location: canary\r\n\r\n`));
      const seen = JSON.parse((await visitors.visit()).body) as Seen;
      expect([seen.name, seen.headers["maxwellsdaemon"]]).toEqual(["canary", spelling]);
    },
  );

  test.each([
    ["if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"],
    ["if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"],
    ["if-none-match", "*"],
    ["if-match", '"of the application"'],
    ["range", "bytes=0-3"],
  ] as const)(
    "a visitor who has a page of the application's gets all of the maintenance page: %s",
    async (name, value) => {
      mkdirSync(join(directory, "maintenance"), { recursive: true });
      writeFileSync(join(directory, "maintenance/website"), "");
      try {
        const { status, body } = await visitors.visit({ headers: [[name, value]] });
        expect([status, body]).toEqual([503, readFileSync(PAGE, "utf8")]);
      } finally {
        rmSync(join(directory, "maintenance/website"));
      }
    },
  );

  test("if a version is down, its own visitors get the error, and none goes to another version", async () => {
    listen(say(`${HEAD}${CANARY}\r\n`));
    upstreams[1]?.stop();
    for (const visit of [{}, { method: "POST", body: "x" }]) {
      const { status, body } = await visitors.visit(visit);
      expect([status, body]).toEqual([502, ""]);
    }
    await eventually(() => caddy.log().includes('"level":"error"'), "the log says so");
    // If the daemon is gone as well, master serves them.
    daemon?.stop();
    await expectMaster("GET", "");
    upstreams[0]?.stop();
    expect((await visitors.visit()).status).toBe(502);
    upstreams = startUpstreams();
    await expectMaster("GET", "");
  });

  test("the daemon's Set-Cookie reaches the visitor as it is, beside the application's", async () => {
    for (const cookie of [COOKIE, `${COOKIE}; Secure`]) {
      listen(say(`${HEAD}${CANARY}set-cookie: ${cookie}\r\n\r\n`));
      const { cookies } = await visitors.visit({ headers: [["x-set-cookie", "session=1"]] });
      expect(cookies.toSorted()).toEqual([cookie, "session=1"]);
      daemon?.stop();
    }
  });

  test("its log stands beside the site's own log, names versions that are down, and has what the daemon needs", async () => {
    const other = mkdtempSync(join(directory, "other-"));
    const port = await freePort();
    const places = {
      directory: other,
      port,
      daemon: path("daemon"),
      master: path("master"),
      canary: path("nowhere"),
    };
    const ours = "\tlog {\n\t\toutput discard\n\t}\n";
    const caddyfile = fillCaddyfile({
      ...places,
      maintenanceFile: join(other, "website"),
    });
    expect(caddyfile).toContain(ours);
    const own = join(other, "own.log");
    const proxy = await startCaddy(
      other,
      port,
      caddyfile.replace(ours, ours.replace("discard", `file ${own}`)),
    );
    const visitor = new Visitors(port);
    try {
      listen(say(`${HEAD}${CANARY}set-cookie: ${COOKIE}\r\n\r\n`));
      expect((await visitor.visit()).status).toBe(502);
      daemon?.stop();
      listen(say(`${HEAD}${CANARY}\r\n`));
      expect((await visitor.visit()).status).toBe(502);
      const lines = (file: string) =>
        readFileSync(file, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
      await eventually(
        () => lines(caddyLogIn(other)).length >= 2 && lines(own).length >= 2,
        "both logs have both",
      );
      const [fresh, known] = lines(caddyLogIn(other)).slice(-2);
      expect([
        fresh.status,
        fresh.resp_headers["Maxwellsdaemon-Location"],
        fresh.resp_headers["Maxwellsdaemon-Outcome"],
      ]).toEqual([...[502, ["canary"]], ["website 0.1 0"]]);
      expect([
        known.status,
        known.resp_headers["Maxwellsdaemon-Location"],
        known.resp_headers["Maxwellsdaemon-Outcome"],
      ]).toEqual([...[502, ["canary"]], ["website 0.1 1"]]);
      expect(fresh.request).toBeUndefined();
      expect(lines(own).at(-1).request.method).toBe("GET");
    } finally {
      visitor.close();
      await proxy.stop();
    }
  });

  test.each([
    "maxwellsdaemon=0.1",
    "maxwellsdaemon=<script>; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
    `${COOKIE}; Domain=example.com`,
    "session=stolen",
    `${COOKIE}\r\nset-cookie: session=stolen`,
  ])("no other cookie than the visitor's assignment is set: %p", async (cookie) => {
    listen(say(`${HEAD}${CANARY}set-cookie: ${cookie}\r\n\r\n`));
    const { status, body, cookies } = await visitors.visit({ headers: [["x-set-cookie", "session=1"]] });
    expect([status, (JSON.parse(body) as Seen).name, cookies]).toEqual([200, "canary", ["session=1"]]);
  });
});
