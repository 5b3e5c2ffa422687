import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { BODY_BYTES_MAX, headerOf, SiteConnection } from "../../../src/doctor/site/site-connection.ts";
import { eventually } from "../../support/eventually.ts";
import { messageOf } from "../../support/reason-of.ts";

const HEAD = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
const WITH_LENGTH = `${HEAD}Content-Length: 5\r\n\r\nhello`;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

/** A site that runs `answer` on a connection at each request. */
class FakeSite {
  readonly requests: string[] = [];
  connections = 0;
  readonly #server: Server;

  constructor(answer: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.connections++;
      socket.setNoDelay();
      socket.on("error", () => {});
      socket.on("data", (data) => {
        this.requests.push(data.toString("latin1"));
        answer(socket);
      });
      ends.push(() => socket.destroy());
    });
  }

  async connect(): Promise<SiteConnection> {
    this.#server.listen(0, "127.0.0.1");
    ends.push(() => this.#server.close());
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    const connection = new SiteConnection({
      ...{ host: "127.0.0.1", port, isTls: false, serverName: "127.0.0.1", isInsecure: false },
    });
    ends.push(() => connection.close());
    return connection;
  }
}

const ASKED = { path: "/a?b=c", headers: [["Host", "site.example"]], timeoutMs: 5_000 } as const;

/** The reply to one request, if the site sends `text` and then, with `isEnded`, ends the connection. */
async function read(text: string, isEnded = false) {
  const bytes = Buffer.from(text, "latin1");
  const site = new FakeSite((socket) => void (isEnded ? socket.end(bytes) : socket.write(bytes)));
  return (await site.connect()).request(ASKED);
}

describe("a reply", () => {
  const shapes: [name: string, text: string, isEnded: boolean][] = [
    ["with a length", WITH_LENGTH, false],
    ["in chunks", `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n`, false],
    [
      "in chunks with trailers",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n`,
      false,
    ],
    ["up to the end of the connection", `${HEAD}\r\nhello`, true],
    ["after a 103", `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${WITH_LENGTH}`, false],
  ];

  test.each(shapes)("%s is read, with each of its headers", async (_, text, isEnded) => {
    const reply = await read(text, isEnded);
    expect(reply).toMatchObject({ status: 200, body: "hello" });
    expect(reply.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value)).toEqual([
      "a=1",
      "b=2",
    ]);
    expect(headerOf(reply.headers, "set-cookie")).toBe("a=1");
  });

  test.each(shapes)("%s is read byte by byte, and does not count as read before its end", async (...row) => {
    const [, text, isEnded] = row;
    let sentAll = false;
    const site = new FakeSite(async (socket) => {
      for (let at = 0; at < text.length; at++) {
        await Bun.sleep(0);
        sentAll = at === text.length - 1;
        socket.write(text.charAt(at));
      }
      if (isEnded) socket.end();
    });
    const reply = await (await site.connect()).request(ASKED);
    expect([reply.body, sentAll]).toEqual(["hello", true]);
  });

  test("that is cut off, or is not HTTP, is an error", async () => {
    const malformed = "the reply is cut off, or is not HTTP";
    expect(await messageOf(read(`${HEAD}Content-Length: 5\r\n\r\nhel`, true))).toContain(malformed);
    expect(await messageOf(read(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`, true))).toContain(
      malformed,
    );
    expect(await messageOf(read(`${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`))).toContain(malformed);
    expect(await messageOf(read(`${HEAD}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`))).toContain(
      malformed,
    );
    expect(await messageOf(read(`${HEAD}X-B : v\r\nContent-Length: 0\r\n\r\n`))).toContain(malformed);
    expect(await messageOf(read("SSH-2.0-OpenSSH\r\n\r\n"))).toContain(malformed);
    expect(await messageOf(read("HTTP/1.1 200 OK\r\n", true))).toMatch(/cut off|before a reply/);
    expect(await messageOf(read("x".repeat(300_000)))).toContain(malformed);
    expect(await messageOf(read(`HTTP/1.1 200 OK\r\nA: ${"x".repeat(300_000)}`))).toContain(malformed);
    expect(await messageOf(read("", true))).toContain("the connection was closed before a reply");
  });

  test("may have a head of 200 KB, and doctor does not unpack its body", async () => {
    const long = "x".repeat(200_000);
    const reply = await read(`HTTP/1.1 200 OK\r\nA: ${long}\r\nContent-Length: 0\r\n\r\n`);
    expect(headerOf(reply.headers, "a")).toBe(long);
    const gzip = `${HEAD}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello`;
    expect((await read(gzip)).body).toBe("hello");
  });

  test("without a body ends with its head", async () => {
    expect(await read("HTTP/1.1 204 No Content\r\n\r\n")).toMatchObject({ status: 204, body: "" });
    expect(await read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")).toMatchObject({ body: "" });
  });

  test("without an end is read up to a limit", async () => {
    const long = "x".repeat(BODY_BYTES_MAX + 10);
    const chunk = `Transfer-Encoding: chunked\r\n\r\n3\r\nyyy\r\n${long.length.toString(16)}\r\n${long}`;
    for (const body of [`\r\n${long}`, `Content-Length: 99999999\r\n\r\n${long}`, chunk]) {
      const reply = await read(`${HEAD}${body}`);
      expect(reply.status).toBe(200);
      expect(reply.body.length).toBe(BODY_BYTES_MAX);
    }
  });

  test("that does not come in time is an error", async () => {
    const site = new FakeSite(() => {});
    const connection = await site.connect();
    expect(await messageOf(connection.request({ ...ASKED, timeoutMs: 30 }))).toContain(
      "no whole reply within 30 ms",
    );
  });
});

test("a request sends its headers unchanged: their order, their case, doubled ones, and each byte", async () => {
  const site = new FakeSite((socket) => void socket.write(WITH_LENGTH));
  const headers = [
    ["Host", "site.example"],
    ["X-MixedCase", "1"],
    ["Cookie", "maxwellsdaemon=\xff\xfe\x80"],
    ["Connection", "close"],
    ["x-mixedcase", "2"],
  ] as const;
  await (await site.connect()).request({ ...ASKED, headers });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  expect(site.requests).toEqual([`GET /a?b=c HTTP/1.1\r\n${lines}\r\n`]);
});

describe("a connection", () => {
  const keep = { ...ASKED, headers: [...ASKED.headers, ["Connection", "keep-alive"] as const] };

  test("is used again while the other side keeps it", async () => {
    const site = new FakeSite((socket) => void socket.write(WITH_LENGTH));
    const connection = await site.connect();
    for (let i = 0; i < 3; i++) expect((await connection.request(keep)).body).toBe("hello");
    expect(site.connections).toBe(1);
  });

  test.each([
    ["is told that it ends", `${HEAD}Connection: close\r\nContent-Length: 5\r\n\r\nhello`, false],
    ["speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", false],
    ["sees it end", WITH_LENGTH, true],
  ])("is followed by another if doctor %s", async (_, text, isEnded) => {
    const site = new FakeSite((socket) => {
      socket.write(text);
      if (isEnded) setTimeout(() => socket.end(), 1);
    });
    const connection = await site.connect();
    for (let i = 1; i <= 3; i++) {
      expect((await connection.request(keep)).body).toBe("hello");
      await eventually(() => site.connections === i, "a connection for each request");
      await Bun.sleep(20);
    }
  });

  test("is followed by another after a request without a reply", async () => {
    let count = 0;
    const site = new FakeSite((socket) => {
      if (++count > 1) socket.write(WITH_LENGTH);
    });
    const connection = await site.connect();
    expect(await messageOf(connection.request({ ...keep, timeoutMs: 30 }))).toContain("no whole reply");
    expect((await connection.request(keep)).body).toBe("hello");
    expect(site.connections).toBe(2);
  });
});
