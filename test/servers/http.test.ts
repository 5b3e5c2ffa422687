import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { HttpServer } from "../../src/servers/http.ts";
import { type Core, countOf, createCore } from "../support/core.ts";
import { HttpClient, type HttpReply } from "../support/http.ts";
import { describeServer, type Protocol } from "./server-suite.ts";

function answerOf({ status, headers, body }: HttpReply): { assignment: string; location: string } {
  expect(status).toBe(200);
  expect(body).toBe("");
  return {
    assignment: headers.get("maxwellsdaemon") ?? "none",
    location: headers.get("maxwellsdaemon-location") ?? "none",
  };
}

const http: Protocol = {
  name: "http",
  // Bun answers in order, but reads the next request only when the one before is answered.
  pipelines: true,
  create: (core, address) => new HttpServer(core, { address, socketMode: 0o666, idleTimeoutMs: 60_000 }),
  async connect(to) {
    const client = await HttpClient.connect(to);
    return {
      send({ assignment, application, key, force }) {
        const headers: Record<string, string> = {};
        if (assignment !== undefined) headers["maxwellsdaemon"] = assignment;
        if (application !== undefined) headers["maxwellsdaemon-application"] = application;
        if (key !== undefined) headers["maxwellsdaemon-key"] = key;
        if (force !== undefined) headers["maxwellsdaemon-force"] = force;
        client.send("GET", "/decide", headers);
      },
      next: async () => answerOf(await client.reply()),
      close: () => client.close(),
    };
  },
};

describeServer(http, "tcp");
describeServer(http, "unix");

describe("HTTP", () => {
  let core: Core;
  let server: HttpServer;
  let client: HttpClient;

  beforeAll(async () => {
    core = createCore({ applications: ["app", "web"] });
    server = new HttpServer(core, {
      ...{ address: { kind: "tcp", host: "127.0.0.1", port: 0 }, socketMode: 0o666, idleTimeoutMs: 60_000 },
    });
    await server.start();
    client = await HttpClient.connect({ host: "127.0.0.1", port: server.port ?? 0 });
    core.apply("app", { rollout: 0.5 });
    core.apply("web", { rollout: 1 });
  });

  afterAll(async () => {
    client.close();
    await server.close();
  });

  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])(
    "HTTP-1: %s is answered with status 200, no body, and two headers",
    async (method) => {
      const reply = await client.ask(method, "/decide", { maxwellsdaemon: "0.1" });
      expect(answerOf(reply)).toEqual({ assignment: "0.1", location: "canary" });
      expect(client.received).toBe("");
    },
  );

  test.each([
    "/decide",
    "/decide/",
    "/decide/a/b.php",
    "/decide//x",
    "/decide/../x",
    "/decide/%zz",
    "/decide?x=1&y",
  ])("HTTP-1: %s is asked for a decision", async (target) => {
    expect(answerOf(await client.ask("GET", target, { maxwellsdaemon: "0.1" })).location).toBe("canary");
  });

  test.each(["/", "/decided", "/metrics", "//decide"])("HTTP-8: %s is not found", async (target) => {
    expect((await client.ask("GET", target)).status).toBe(404);
  });

  test.each([
    ["maxwellsdaemon=0.1", "0.1"],
    ["a=b; maxwellsdaemon=0.1; c=d", "0.1"],
    ["a=b;maxwellsdaemon=0.1", "0.1"],
    ["xmaxwellsdaemon=0.9; maxwellsdaemon=0.1", "0.1"],
    ["a=maxwellsdaemon=0.9; maxwellsdaemon=0.1", "0.1"],
    ["maxwellsdaemon=0.1; maxwellsdaemon=0.9", "0.1"],
  ])("HTTP-2: the cookie %p is the assignment", async (cookie, assignment) => {
    expect(answerOf(await client.ask("GET", "/decide", { cookie })).assignment).toBe(assignment);
  });

  test.each([
    "maxwellsdaemon=",
    "maxwellsdaemon=; a=b",
    "maxwellsdaemonx=0.1",
    "maxwellsdaemon",
    "",
    "MAXWELLSDAEMON=0.1",
  ])("HTTP-2: the cookie %p brings none", async (cookie) => {
    const before = countOf(core, "invalid");
    const { assignment } = answerOf(await client.ask("GET", "/decide", { cookie }));
    expect(Number(assignment)).toBeLessThan(1);
    expect(assignment).not.toBe("0.1");
    expect(countOf(core, "invalid")).toBe(before);
  });

  test("HTTP-2: the header goes before the cookie, unless it is empty", async () => {
    const cookie = "maxwellsdaemon=0.9";
    const asked = async (maxwellsdaemon: string) =>
      answerOf(await client.ask("GET", "/decide", { maxwellsdaemon, cookie })).assignment;
    expect(await asked("0.1")).toBe("0.1");
    expect(await asked("")).toBe("0.9");
  });

  test("HTTP-3: a new visitor gets a fresh assignment", async () => {
    const numbers = new Set<string>();
    for (let i = 0; i < 20; i++) numbers.add(answerOf(await client.ask("GET", "/decide")).assignment);
    expect(numbers.size).toBe(20);
  });

  test("HTTP-4: what cannot be an assignment is fresh and master, with status 200", async () => {
    for (const headers of [
      { maxwellsdaemon: "0.1, 0.2" },
      { cookie: "maxwellsdaemon=x" },
      { cookie: 'maxwellsdaemon="' },
    ]) {
      expect(answerOf(await client.ask("GET", "/decide", headers)).location).toBe("master");
    }
  });

  test("HTTP-5: the application is in the header, or else in the query", async () => {
    const asked = async (target: string, headers: Record<string, string> = {}) =>
      answerOf(await client.ask("GET", target, { maxwellsdaemon: "0.9", ...headers })).location;
    expect(await asked("/decide?application=web")).toBe("canary");
    expect(await asked("/decide?a=b&application=w%65b")).toBe("canary");
    expect(await asked("/decide?application=web", { "maxwellsdaemon-application": "app" })).toBe("master");
    expect(await asked("/decide?application=web", { "maxwellsdaemon-application": "" })).toBe("canary");
    expect(await asked("/decide?application=")).toBe("master");
    expect(await asked("/decide?application=%zz")).toBe("master");
  });

  test("HTTP-6: a key is taken as it is, its bytes as UTF-8: no percent-decoding", async () => {
    const asked = async (key: string) =>
      Number(answerOf(await client.ask("GET", "/decide", { "maxwellsdaemon-key": key })).assignment);
    expect(await asked("é")).toBe(0.09312962734175445);
    expect(await asked("user@example.com")).toBe(0.9108015667243244);
    expect(await asked("%61")).not.toBe(0.8215144243236395);
  });

  test("HTTP-9: a body is not looked at, whatever its size", async () => {
    const reply = await client.ask("POST", "/decide", { maxwellsdaemon: "0.1" }, "x".repeat(300_000));
    expect(answerOf(reply)).toEqual({ assignment: "0.1", location: "canary" });
    expect(answerOf(await client.ask("GET", "/decide", { maxwellsdaemon: "0.7" })).location).toBe("master");
  });

  test("HTTP-10: a connection persists", async () => {
    for (let burst = 0; burst < 4; burst++) {
      for (let i = 0; i < 500; i++) client.send("GET", "/decide", { maxwellsdaemon: "0.1" });
      for (let i = 0; i < 500; i++) expect((await client.reply()).status).toBe(200);
    }
  });

  test("HTTP-10: who pipelines without end is closed, and nobody else", async () => {
    const greedy = await HttpClient.connect({ host: "127.0.0.1", port: server.port ?? 0 });
    const request = "GET /decide HTTP/1.1\r\nhost: x\r\n\r\n";
    greedy.socket.write(request.repeat(20_000));
    let answered = 0;
    await expect(
      (async () => {
        for (; answered < 20_000; answered++) await greedy.reply();
      })(),
    ).rejects.toThrow(/closed/);
    expect(answered).toBeLessThan(5_000);
    greedy.close();
    expect(answerOf(await client.ask("GET", "/decide", { maxwellsdaemon: "0.1" })).location).toBe("canary");
  });

  test("HTTP-11: cookies of up to 15 000 bytes are read", async () => {
    const cookie = `a=${"x".repeat(14_900)}; maxwellsdaemon=0.1`;
    expect(answerOf(await client.ask("GET", "/decide", { cookie })).assignment).toBe("0.1");
  });

  test("HTTP-11: headers over 16 KiB are refused, and the next connection is served", async () => {
    const greedy = await HttpClient.connect({ host: "127.0.0.1", port: server.port ?? 0 });
    expect((await greedy.ask("GET", "/decide", { cookie: "x".repeat(40_000) })).status).toBe(431);
    greedy.close();
    expect(answerOf(await client.ask("GET", "/decide", { maxwellsdaemon: "0.1" })).location).toBe("canary");
  });

  test("HTTP-12: the reply has nothing that a cache would keep", async () => {
    const { headers } = await client.ask("GET", "/decide");
    expect([...headers.keys()].sort()).toEqual([
      "content-length",
      "date",
      "maxwellsdaemon",
      "maxwellsdaemon-location",
    ]);
  });
});
