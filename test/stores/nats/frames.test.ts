/** Bytes of a server, on the way to the client's parser. */

import { describe, expect, test } from "bun:test";
import { FRAME_BYTES_MAX, Frames } from "../../../src/stores/nats/frames.ts";
import { Random } from "../../support/random.ts";

const GOOD = [
  'INFO {"server_id":"x","max_payload":1048576} \r\n',
  "PONG\r\n",
  "PING\r\n",
  "+OK\r\n",
  "-ERR 'Permissions Violation for Publish to \"x\"'\r\n",
  "MSG _INBOX.a.b 1 11\r\nhello\r\nall!\r\n",
  "MSG _INBOX.a.b 1  2\r\n{}\r\n",
  "MSG $KV.b.website.canary 2 $JS.ACK.x.1 0\r\n\r\n",
  "HMSG _INBOX.a.b 1 16 18\r\nNATS/1.0\r\nA: b\r\n\r\n\r\n",
].join("");

describe("frames", () => {
  test("what NATS sends passes, however it is cut", () => {
    const bytes = Buffer.from(GOOD);
    for (let size = 1; size <= bytes.length; size++) {
      const frames = new Frames();
      for (let at = 0; at < bytes.length; at += size) {
        expect(frames.take(bytes.subarray(at, at + size))).toBe(true);
      }
    }
  });

  test.each([
    ["HTTP", "HTTP/1.1 200 OK\r\n"],
    ["a line without a carriage return", "PING\n"],
    ["an INFO that is not JSON", "INFO {oops}\r\n"],
    ["a message without a size", "MSG a 1\r\n"],
    ["a message that is too long", `MSG a 1 ${FRAME_BYTES_MAX + 1}\r\n`],
    ["a message of a billion bytes", "MSG a 1 9999999999\r\n"],
    ["headers that are longer than their message", "HMSG a 1 20 10\r\n"],
    ["a message without its end", "MSG a 1 2\r\nabcd\r\n"],
    ["an empty line", "\r\n"],
    ["a line without an end", "x".repeat(70_000)],
    ["a negative size", "MSG a 1 -5\r\n"],
  ])("%s does not pass", (_name, text) => {
    expect(new Frames().take(Buffer.from(text))).toBe(false);
  });

  test("the longest message passes", () => {
    const frames = new Frames();
    expect(frames.take(Buffer.from(`MSG a 1 ${FRAME_BYTES_MAX}\r\n`))).toBe(true);
    expect(frames.take(Buffer.alloc(FRAME_BYTES_MAX))).toBe(true);
    expect(frames.take(Buffer.from("\r\nPING\r\n"))).toBe(true);
    expect(frames.take(Buffer.from("x\r\n"))).toBe(false);
  });

  test("random bytes never throw", () => {
    const random = new Random();
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(GOOD);
      for (let hit = 0; hit < 3; hit++) bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
      const frames = new Frames();
      expect([true, false]).toContain(frames.take(bytes));
    }
  });
});
