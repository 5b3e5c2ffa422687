import { describe, expect, test } from "bun:test";
import { BODY_BYTES_MAX, headerOf, readReply } from "../../src/doctor/http-reply.ts";

const HEAD = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n";

function read(text: string, isEnded = false) {
  return readReply(Buffer.from(text, "latin1"), isEnded);
}

describe("a reply", () => {
  test.each([
    ["with a length", `${HEAD}Content-Length: 5\r\n\r\nhello`, false, true],
    [
      "in chunks",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n`,
      false,
      true,
    ],
    [
      "in chunks with trailers",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n`,
      false,
      true,
    ],
    ["up to the end of the connection", `${HEAD}\r\nhello`, true, false],
    [
      "after a 103",
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${HEAD}Content-Length: 5\r\n\r\nhello`,
      false,
      true,
    ],
  ])("%s is read, and never before it is whole", (_, text, isEnded, isKept) => {
    const reply = read(text, isEnded);
    expect(reply).toMatchObject({ status: 200, body: "hello", isKept });
    if (typeof reply !== "object") throw new Error("no reply");
    expect(reply.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value)).toEqual([
      "a=1",
      "b=2",
    ]);
    expect(headerOf(reply.headers, "set-cookie")).toBe("a=1");
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end))).toBeUndefined();
  });

  test("that is cut off, or none, is malformed", () => {
    expect(read(`${HEAD}Content-Length: 5\r\n\r\nhel`, true)).toBe("malformed");
    expect(read(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`, true)).toBe("malformed");
    expect(read(`${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)).toBe("malformed");
    expect(read("SSH-2.0-OpenSSH\r\n\r\n")).toBe("malformed");
    expect(read("HTTP/1.1 200 OK\r\n", true)).toBe("malformed");
    expect(read("x".repeat(300_000))).toBe("malformed");
  });

  test("without a body, and one whose connection ends", () => {
    expect(read("HTTP/1.1 204 No Content\r\n\r\n")).toMatchObject({ status: 204, body: "", isKept: true });
    expect(read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")).toMatchObject({
      isKept: false,
    });
    expect(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")).toMatchObject({ isKept: false });
  });

  test("that has no end is read up to a limit", () => {
    const long = "x".repeat(BODY_BYTES_MAX + 10);
    for (const body of [`\r\n${long}`, `Content-Length: 99999999\r\n\r\n${long}`]) {
      const reply = read(`${HEAD}${body}`);
      expect(reply).toMatchObject({ status: 200, isKept: false });
      if (typeof reply === "object") expect(reply.body.length).toBe(BODY_BYTES_MAX);
    }
  });

  test("in chunks larger than the limit is waited for up to it", () => {
    const long = "x".repeat(BODY_BYTES_MAX + 10);
    const chunk = `${long.length.toString(16)}\r\n${long}`;
    for (const [first, before] of [
      ["", 0],
      ["3\r\nyyy\r\n", 3],
    ] as const) {
      const head = `${HEAD}Transfer-Encoding: chunked\r\n\r\n${first}`;
      const end = head.length + chunk.indexOf("x") + BODY_BYTES_MAX - before;
      const text = head + chunk;
      for (const cut of [head.length, end - BODY_BYTES_MAX, end - 1])
        expect(read(text.slice(0, cut))).toBeUndefined();
      for (const whole of [text.slice(0, end), text]) {
        const body = "y".repeat(before) + long.slice(0, BODY_BYTES_MAX - before);
        const reply = read(whole);
        expect(typeof reply === "object" && reply.body === body && !reply.isKept).toBeTrue();
      }
    }
  });
});
