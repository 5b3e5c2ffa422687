import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { HttpServer } from "../../src/servers/http.ts";
import { type Core, countOf, createCore } from "../support/core.ts";
import { HttpClient, type HttpReply } from "../support/http.ts";
import { Random } from "../support/random.ts";
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

  const connect = () => HttpClient.connect({ host: "127.0.0.1", port: server.port ?? 0 });

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
  ])("HTTP-2: the cookie %p brings no assignment", async (cookie) => {
    const before = countOf(core, "invalid");
    const { assignment } = answerOf(await client.ask("GET", "/decide", { cookie }));
    expect(Number(assignment)).toBeLessThan(1);
    expect(assignment).not.toBe("0.1");
    expect(countOf(core, "invalid")).toBe(before);
  });

  test("HTTP-2: the header takes precedence over the cookie, unless it is empty", async () => {
    const cookie = "maxwellsdaemon=0.9";
    const asked = async (maxwellsdaemon: string) =>
      answerOf(await client.ask("GET", "/decide", { maxwellsdaemon, cookie })).assignment;
    expect(await asked("0.1")).toBe("0.1");
    expect(await asked("")).toBe("0.9");
  });

  test.each([
    "a=b,maxwellsdaemon=0.1",
    "a=b, maxwellsdaemon=0.1, c=d",
    "maxwellsdaemon=0.1,a=b; maxwellsdaemon=0.9",
  ])(
    "HTTP-2: if a proxy joined the lines of cookies, %p, the first cookie of the name counts",
    async (cookie) => {
      expect(answerOf(await client.ask("GET", "/decide", { cookie })).assignment).toBe("0.1");
    },
  );

  test("HTTP-7: a visitor with two headers that force keeps its assignment, and nothing is forced", async () => {
    const lies = { "maxwellsdaemon-force": "canary", "Maxwellsdaemon-Force": "canary" };
    const cookie = "maxwellsdaemon-force=canary; maxwellsdaemon=0.9";
    expect(answerOf(await client.ask("GET", "/decide", { cookie, ...lies }))).toEqual({
      assignment: "0.9",
      location: "master",
    });
  });

  test("HTTP-3: a new visitor gets a fresh assignment", async () => {
    const numbers = new Set<string>();
    for (let i = 0; i < 20; i++) numbers.add(answerOf(await client.ask("GET", "/decide")).assignment);
    expect(numbers.size).toBe(20);
  });

  test("HTTP-4: an invalid assignment is answered with a fresh one and master, with status 200", async () => {
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
    // Envoy puts the prefix /decide before the visitor's own path and query.
    expect(await asked("/decide/?application=web")).toBe("master");
    expect(await asked("/decide/a?application=web")).toBe("master");
  });

  test("HTTP-6: the bytes of a key are read as UTF-8, and are not percent-decoded", async () => {
    const asked = async (key: string) =>
      Number(answerOf(await client.ask("GET", "/decide", { "maxwellsdaemon-key": key })).assignment);
    expect(await asked("é")).toBe(0.09312962734175445);
    expect(await asked("user@example.com")).toBe(0.9108015667243244);
    expect(await asked("%61")).not.toBe(0.8215144243236395);
  });

  test("HTTP-13: a proxy that asks for a cookie gets one if the visitor's assignment is new, and only then", async () => {
    const cookieOf = async (headers: Record<string, string>) => {
      const reply = await client.ask("GET", "/decide", headers);
      const { assignment } = answerOf(reply);
      const cookie = reply.headers.get("set-cookie");
      if (cookie === undefined) return undefined;
      expect(cookie).toStartWith(`maxwellsdaemon=${assignment}; `);
      return cookie.slice(cookie.indexOf(";") + 2);
    };
    const wanted = { "maxwellsdaemon-cookie": "set" };
    const attributes = "Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
    expect(await cookieOf({})).toBeUndefined();
    expect(await cookieOf({ "maxwellsdaemon-cookie": "" })).toBeUndefined();
    expect(await cookieOf(wanted)).toBe(attributes);
    expect(await cookieOf({ ...wanted, "X-Forwarded-Proto": "http, https" })).toBe(attributes);
    for (const proto of ["https", "HTTPS", "https, http", "https,http", " https\t"]) {
      expect(await cookieOf({ ...wanted, "X-Forwarded-Proto": proto })).toBe(`${attributes}; Secure`);
    }
    for (const proto of ["httpsx", "http", "", "xhttps"]) {
      expect(await cookieOf({ ...wanted, "X-Forwarded-Proto": proto })).toBe(attributes);
    }
    const lines = (first: string, second: string) => ({
      "X-Forwarded-Proto": first,
      "x-forwarded-proto": second,
    });
    expect(await cookieOf({ ...wanted, ...lines("https", "http") })).toBe(`${attributes}; Secure`);
    expect(await cookieOf({ ...wanted, ...lines("http", "https") })).toBe(attributes);
    expect(await cookieOf({ ...wanted, cookie: "maxwellsdaemon=0.3" })).toBeUndefined();
    expect(await cookieOf({ ...wanted, cookie: `maxwellsdaemon=0.${"3".repeat(100)}` })).toBeUndefined();
    expect(await cookieOf({ ...wanted, cookie: "maxwellsdaemon=1.3" })).toBe(attributes);
    expect(await cookieOf({ ...wanted, cookie: "maxwellsdaemon=" })).toBe(attributes);
    expect(await cookieOf({ ...wanted, "maxwellsdaemon-key": "a" })).toBe(attributes);
    expect(await cookieOf({ ...wanted, maxwellsdaemon: "0.1" })).toBeUndefined();
  });

  test("HTTP-9: the server skips a body, whatever its size", async () => {
    const reply = await client.ask("POST", "/decide", { maxwellsdaemon: "0.1" }, "x".repeat(300_000));
    expect(answerOf(reply)).toEqual({ assignment: "0.1", location: "canary" });
    expect(answerOf(await client.ask("GET", "/decide", { maxwellsdaemon: "0.7" })).location).toBe("master");
  });

  test("HTTP-10: a connection persists", async () => {
    for (let i = 0; i < 2_000; i++) client.send("GET", "/decide", { maxwellsdaemon: "0.1" });
    for (let i = 0; i < 2_000; i++) expect((await client.reply()).status).toBe(200);
  });

  test("HTTP-11: the server reads cookies of up to 15 000 bytes", async () => {
    const cookie = `a=${"x".repeat(14_900)}; maxwellsdaemon=0.1`;
    expect(answerOf(await client.ask("GET", "/decide", { cookie })).assignment).toBe("0.1");
  });

  test("HTTP-11: a head of more than 256 KiB is answered with master, and is the last on its connection", async () => {
    const greedy = await connect();
    greedy.send("GET", "/decide", { maxwellsdaemon: "0.1", "x-filler": "x".repeat(300_000) });
    const reply = await greedy.reply();
    expect(answerOf(reply).location).toBe("master");
    expect(reply.headers.get("connection")).toBe("close");
    greedy.socket.end();
    await greedy.ended();
    expect(answerOf(await client.ask("GET", "/decide", { maxwellsdaemon: "0.1" })).location).toBe("canary");
  });

  test.each([
    ["a chunked body", "transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"],
    ["two lengths", "content-length: 5\r\ncontent-length: 6\r\n", "hello!"],
    ["a list of lengths", "content-length: 5, 5\r\n", "hello"],
    ["a length below 0", "content-length: -1\r\n", ""],
    ["a length with a blank before its colon", "content-length : 5\r\n", "hello"],
    ["an endless length", `content-length: ${"9".repeat(30)}\r\n`, ""],
    ["a folded line", "x-a: b\r\n c\r\n", ""],
    ["a lone LF, behind which another reader sees a length", "x-a: b\ncontent-length: 5\r\n", "hello"],
    ["a lone CR", "x-a: b\rcontent-length: 5\r\n", "hello"],
    ["a NUL", "x-a: b\0content-length: 5\r\n", "hello"],
    ["a lone LF in the name of a header", "x\n-a: b\r\n", ""],
    ["a question whether to send the body", "expect: 100-continue\r\ncontent-length: 5\r\n", ""],
  ])("HTTP-11: after %s nothing more is read on the connection", async (_, headers, body) => {
    const odd = await connect();
    const smuggled = "GET /decide HTTP/1.1\r\nmaxwellsdaemon: 0.2\r\n\r\n";
    odd.socket.write(`POST /decide HTTP/1.1\r\nmaxwellsdaemon: 0.1\r\n${headers}\r\n${body}${smuggled}`);
    const reply = await odd.reply();
    expect(answerOf(reply)).toEqual({ assignment: "0.1", location: "canary" });
    expect(reply.headers.get("connection")).toBe("close");
    odd.socket.end();
    await odd.ended();
    expect(odd.received).toBe("");
  });

  test("HTTP-11: a lone LF does not end a line, so a value cannot add a header", async () => {
    const odd = await connect();
    const reply = await odd.ask("GET", "/decide", { "x-a": "b\nmaxwellsdaemon: 0.1" });
    expect(answerOf(reply).assignment).not.toBe("0.1");
    odd.close();
  });

  test.each(["PRI * HTTP/2.0", "\x16\x03\x01\x02", "GET /decide", "hello", "GET /decide HTTP/1.1 "])(
    "HTTP-11: %j is not a request, and is answered with status 400",
    async (line) => {
      const lost = await connect();
      lost.socket.write(`${line}\r\n\r\n`);
      expect((await lost.reply()).status).toBe(400);
      lost.socket.end();
      await lost.ended();
    },
  );

  test("HTTP-7: a cookie can force too, and the header takes precedence over it", async () => {
    const forcing = createCore({ allowForce: true });
    forcing.apply("app", { rollout: 0.5 });
    const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const open = new HttpServer(forcing, { address, socketMode: 0o666, idleTimeoutMs: 60_000 });
    await open.start();
    const tester = await HttpClient.connect({ host: "127.0.0.1", port: open.port ?? 0 });
    const asked = async (headers: Record<string, string>) =>
      answerOf(await tester.ask("GET", "/decide", { maxwellsdaemon: "0.9", ...headers })).location;
    const cookie = "a=b; maxwellsdaemon-force=always";
    expect(await asked({ cookie })).toBe("canary");
    expect(await asked({ cookie, "maxwellsdaemon-force": "never" })).toBe("master");
    expect(await asked({ cookie, "maxwellsdaemon-force": "nobody" })).toBe("master");
    tester.close();
    await open.close();
  });

  test("HTTP-2: two headers with an assignment count as none", async () => {
    const odd = await connect();
    odd.socket.write("GET /decide HTTP/1.1\r\nmaxwellsdaemon: 0.1\r\nMaxwellsDaemon: 0.1\r\n\r\n");
    expect(answerOf(await odd.reply()).location).toBe("master");
    odd.close();
  });

  test("HTTP-10: clients of HTTP/1.0 keep the connection if they ask for it", async () => {
    const old = await connect();
    const send = (connection: string) => old.socket.write(`GET /decide HTTP/1.0\r\n${connection}\r\n`);
    send("Connection: Keep-Alive\r\n");
    expect((await old.reply()).headers.get("connection")).toBe("keep-alive");
    send("");
    expect((await old.reply()).headers.get("connection")).toBe("close");
    old.socket.end();
    await old.ended();
  });

  test("HTTP-10: a client that says close gets its answer, and the connection is closed", async () => {
    const polite = await connect();
    polite.send("GET", "/decide", { connection: "te, close" });
    expect((await polite.reply()).headers.get("connection")).toBe("close");
    polite.socket.end();
    await polite.ended();
  });

  test("law 5, HTTP-1: a request that is cut at any byte is answered once, and its body is skipped", async () => {
    const request = Buffer.from(
      "POST /decide?a=b HTTP/1.1\r\nHost: x\r\nCookie: a=b; maxwellsdaemon=0.1\r\nContent-Length: 7\r\n\r\nGET /\r\n",
      "latin1",
    );
    for (let cut = 1; cut < request.length; cut++) {
      const { socket } = client;
      socket.write(request.subarray(0, cut));
      await new Promise(setImmediate);
      socket.write(request.subarray(cut));
      expect(answerOf(await client.reply())).toEqual({ assignment: "0.1", location: "canary" });
    }
    for (const byte of request) client.socket.write(Buffer.of(byte));
    expect(answerOf(await client.reply())).toEqual({ assignment: "0.1", location: "canary" });
    expect(client.received).toBe("");
  });

  test("law 5: random bytes get an answer or end the connection, and leave the server as it was", async () => {
    const random = new Random();
    for (let round = 0; round < 100; round++) {
      const odd = await connect();
      const bytes = Buffer.from(
        "GET /decide?application=web HTTP/1.1\r\nhost: x\r\ncookie: maxwellsdaemon=0.1\r\ncontent-length: 3\r\n\r\nabc",
      );
      for (let i = 0; i < 1 + round / 10; i++)
        bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
      odd.socket.end(Buffer.concat([bytes, bytes]));
      await odd.ended();
    }
    expect(answerOf(await client.ask("GET", "/decide", { maxwellsdaemon: "0.1" })).location).toBe("canary");
  });

  test("HTTP-12: the reply must not be cached, and has no other headers beside the decision", async () => {
    const { headers } = await client.ask("GET", "/decide");
    expect(headers.get("cache-control")).toBe("no-store");
    expect([...headers.keys()].sort()).toEqual([
      "cache-control",
      "content-length",
      "date",
      "maxwellsdaemon",
      "maxwellsdaemon-location",
    ]);
  });
});
