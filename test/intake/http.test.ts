import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { BODY_BYTES_MAX, HEAD_BYTES_MAX, Incoming } from "../../src/intake/http/incoming.ts";
import { HttpDoor } from "../../src/intake/http.ts";
import type { Outcome } from "../../src/intake/outcome.ts";
import { SYSTEM_TIMERS } from "../../src/timers.ts";
import { createCore, createIntake } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { Random } from "../support/random.ts";
import { bestRound } from "../support/rounds.ts";

const releases: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function open() {
  const seen: Outcome[] = [];
  const intake = createIntake(["website"], (outcome) => void seen.push({ ...outcome }));
  const core = createCore();
  const { log, clock } = core;
  const context = {
    ...{ intake, address: { host: "127.0.0.1", port: 0 }, log, clock },
    isAwake: () => true,
  };
  const door = new HttpDoor({ ...context, timers: SYSTEM_TIMERS, soon: setImmediate }, core);
  door.start();
  releases.push(() => door.close());
  await eventually(() => intake.counts.doors.get("http") === true, "the door is open");
  const url = `http://127.0.0.1:${door.port}`;
  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: "POST", body, headers });
  return { door, url, post, seen, intake };
}

/** Sends bytes unchanged. Resolves with what came until `enough`, or until the end. */
function exchange({ door }: { door: HttpDoor }, pieces: readonly string[], enough = /^$/): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: door.port ?? 0 });
  releases.push(() => {
    socket.destroy();
  });
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      if (enough.test(text)) resolve(text);
    });
    socket.on("error", () => resolve(text));
    socket.on("close", () => resolve(text));
    socket.on("connect", async () => {
      socket.setNoDelay(true);
      for (const piece of pieces) await new Promise((sent) => socket.write(piece, "latin1", sent));
    });
  });
}

const LINE = "website canary 0.42 503 0.027 1";
const ENVOY = readFileSync(new URL("../vectors/otlp/envoy.bin", import.meta.url));

describe("POST /outcomes", () => {
  test("OUT-22: has lines of text, and the answer is the number of outcomes that count", async () => {
    const { post, seen } = await open();
    const response = await post(
      "/outcomes",
      `${LINE}\nshop canary 0.1 200 1 1\n<13>1 - - mwd - - - ${LINE}\n`,
    );
    expect([response.status, await response.text()]).toEqual([200, "2\n"]);
    expect(seen.map(({ status }) => status)).toEqual([503, 503]);
  });

  test("OUT-22: a body may be compressed with gzip", async () => {
    const { post, seen } = await open();
    const response = await post("/outcomes", gzipSync(`${LINE}\n`.repeat(5_000)), {
      "Content-Encoding": "gzip",
    });
    expect(await response.text()).toBe("5000\n");
    expect(seen).toHaveLength(5_000);
    const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
    expect((await post("/outcomes", bomb, { "Content-Encoding": "gzip" })).status).toBe(400);
    expect((await post("/outcomes", LINE, { "Content-Encoding": "gzip" })).status).toBe(400);
    expect((await post("/outcomes", LINE, { "Content-Encoding": "br" })).status).toBe(415);
  });

  test("OUT-23: a browser may not report, and other requests are refused", async () => {
    const { post, url, seen } = await open();
    expect((await post("/outcomes", LINE, { Origin: "http://evil.example" })).status).toBe(403);
    expect((await post("/outcomes", LINE, { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    expect((await post("/decide", LINE)).status).toBe(404);
    expect((await fetch(`${url}/outcomes`)).status).toBe(405);
    expect((await post("/v1/logs", "{}", { "Content-Type": "application/json" })).status).toBe(415);
    expect(seen).toEqual([]);
  });
});

describe("POST /v1/logs", () => {
  test("OUT-24: has OTLP logs, and is answered with status 200", async () => {
    const { post, seen } = await open();
    const headers = { "Content-Type": "application/x-protobuf" };
    const response = await post("/v1/logs", ENVOY, headers);
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(seen.length).toBeGreaterThan(2);
    const packed = gzipSync(ENVOY);
    expect((await post("/v1/logs", packed, { ...headers, "Content-Encoding": "gzip" })).status).toBe(200);
    expect((await post("/v1/logs", "what?", headers)).status).toBe(400);
  });

  test("a body of many small messages does not keep the event loop", async () => {
    const { post } = await open();
    // Half a million records without a field, in one scope.
    const records = Buffer.alloc(1_000_000, Buffer.from([0x12, 0x00]));
    const body = Buffer.concat([Buffer.from(field(1, 1_000_004)), Buffer.from(field(2, 1_000_000)), records]);
    const measure = async () => {
      let longestMs = 0;
      let isOver = false;
      const watched = (async () => {
        for (let before = performance.now(); !isOver; before = performance.now()) {
          await new Promise(setImmediate);
          longestMs = Math.max(longestMs, performance.now() - before);
        }
      })();
      expect((await post("/v1/logs", body)).status).toBe(200);
      isOver = true;
      await watched;
      return longestMs;
    };
    expect(await bestRound(measure, (longestMs) => longestMs < 100, 3)).toBeLessThan(100);
  });
});

/** The tag and the length of a field of protobuf. */
function field(number: number, length: number): number[] {
  const bytes = [number * 8 + 2];
  for (let rest = length; ; rest >>>= 7) {
    bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return bytes;
  }
}

describe("a connection", () => {
  const chunked = "POST /outcomes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const chunk = `${LINE.length.toString(16)}\r\n${LINE}\r\n`;

  test("OUT-25: has requests in chunks, pipelined, and in pieces of any size", async () => {
    const opened = await open();
    const requests = `${chunked}${chunk}0\r\n\r\n${chunked}${chunk}0\r\nTrailer: x\r\n\r\n`;
    const answers = /^(?:HTTP\/1.1 200 OK\r\n(?:[^\r]+\r\n)+\r\n1\n){2}$/;
    expect(await exchange(opened, [requests], answers)).toMatch(answers);
    expect(await exchange(opened, [...requests], answers)).toMatch(answers);
    expect(opened.seen).toHaveLength(4);
  });

  test("OUT-25: a request that is malformed or too large ends it", async () => {
    const opened = await open();
    const cases = {
      "hello\r\n\r\n": 400,
      "POST /outcomes HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
      "POST /outcomes HTTP/1.1\r\nContent-Length: -1\r\n\r\n": 400,
      [`${chunked}zz\r\n`]: 400,
      [`${chunked}1\r\nabc\r\n`]: 400,
      [`${chunked}ffffffff\r\n`]: 413,
      [`POST /outcomes HTTP/1.1\r\nContent-Length: ${BODY_BYTES_MAX + 1}\r\n\r\n`]: 413,
      [`POST / HTTP/1.1\r\nX: ${"x".repeat(HEAD_BYTES_MAX)}\r\n\r\n`]: 431,
    };
    for (const [bytes, status] of Object.entries(cases)) {
      expect(await exchange(opened, [bytes]), bytes.slice(0, 80)).toStartWith(`HTTP/1.1 ${status} `);
    }
    expect(await exchange(opened, [`${chunked}${"1\r\nx\r\n".repeat(2_000)}`])).toStartWith("HTTP/1.1 413 ");
  });
});

test("any bytes are a request, a refusal, or wait for more", () => {
  const random = new Random();
  const parts = [
    "POST /outcomes HTTP/1.1\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "\r\n",
  ];
  const all = [...parts, "\r\n", "3\r\nabc\r\n", "0\r\n\r\n", "hello", "a: b\r\n", "\0", "\n", ":"];
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: random.whole(1, 12) }, () => random.pick(all)).join("");
    const bytes = Buffer.from(parts[0] + text, "latin1");
    const incoming = new Incoming();
    const whole = new Incoming().advance(bytes);
    let state: ReturnType<Incoming["advance"]> = false;
    for (let end = 1; end <= bytes.length && state === false; end++) {
      state = incoming.advance(bytes.subarray(0, end));
    }
    expect(state, text).toEqual(whole);
    if (state === true) expect(incoming.body(bytes).length, text).toBeLessThanOrEqual(bytes.length);
  }
});
