/**
 * Single flags, byte by byte (docs/protocol/ofrep.md). The clients of OpenFeature are in `clients.test.ts`.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { assignmentOfKey } from "../../../src/assignment.ts";
import { type Core, type CoreOptions, countOf, UNHEALTHY_MS } from "../../support/core.ts";
import { eventually } from "../../support/eventually.ts";
import type { HttpClient } from "../../support/http.ts";
import { Random } from "../../support/random.ts";
import { type Answer, answerOf, FLAGS, Listener } from "./listener.ts";

const BODY_BYTES_MAX = 32_768;
const APPLICATIONS = ["app", "web", "a", "a.b", "é ü", 'a"\\'];

let listener: Listener;
let core: Core;
let client: HttpClient;

async function start(options: CoreOptions = {}): Promise<void> {
  listener = await Listener.start({ applications: APPLICATIONS, ...options });
  core = listener.core;
  client = listener.client;
}

const connect = () => listener.connect();

const evaluated = (key: string, context: unknown, headers?: Record<string, string>): Promise<Answer> =>
  listener.evaluate(key, context, headers);

/** Any characters, lone surrogates among them. */
function anyText(random: Random): string {
  const points = Array.from({ length: 20 }, () => random.whole(0, random.pick([0x7f, 0xffff, 0x10ffff])));
  return String.fromCodePoint(...points);
}

describe("OFREP", () => {
  beforeAll(() => start({ allowForce: true }));
  afterAll(() => listener.close());
  beforeEach(() => {
    for (const name of APPLICATIONS) core.apply(name);
    core.apply("app", { rollout: 0.5 });
  });

  const visitor = { targetingKey: "abc" };

  test("OFR-1, OFR-3: an application is a flag with the location, and a version is one that is true or false", async () => {
    const metadata = { application: "app", assignment: 0.2684963321493933, reason: "rollout" };
    const canary = { status: 200, reason: "SPLIT", variant: "canary", metadata };
    expect(await evaluated("app", visitor)).toEqual({ ...canary, key: "app", value: "canary" });
    expect(await evaluated("app.canary", visitor)).toEqual({ ...canary, key: "app.canary", value: true });
    expect(await evaluated("app.blue", visitor)).toEqual({ ...canary, key: "app.blue", value: false });
    core.apply("app", { rollout: 0.1 });
    const master = { ...canary, variant: "master", metadata: { ...metadata, reason: "outside" } };
    expect(await evaluated("app", visitor)).toEqual({ ...master, key: "app", value: "master" });
    expect(await evaluated("app.canary", visitor)).toEqual({ ...master, key: "app.canary", value: false });
  });

  test("OFR-1: a key is percent-encoded UTF-8", async () => {
    core.apply("é ü", { version: "blue", rollout: 1 });
    expect(await evaluated("é ü", visitor)).toMatchObject({ key: "é ü", value: "blue" });
    expect(await evaluated("é ü.blue", visitor)).toMatchObject({ key: "é ü.blue", value: true });
    expect(await evaluated('a"\\', visitor)).toMatchObject({
      key: 'a"\\',
      metadata: { application: 'a"\\' },
    });
  });

  test.each(["GET", "PUT", "OPTIONS", "DELETE"])("OFR-1: %s has status 405", async (method) => {
    const reply = await client.ask(method, `${FLAGS}/app`, {}, JSON.stringify({ context: visitor }));
    expect([reply.status, reply.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await evaluated("app", visitor))["status"]).toBe(200);
  });

  test("OFR-2: the longest name of an application counts, and a version may have dots", async () => {
    core.apply("a", { version: "b", rollout: 1 });
    core.apply("a.b", { version: "c", rollout: 1 });
    expect(await evaluated("a", visitor)).toMatchObject({ value: "b" });
    expect(await evaluated("a.b", visitor)).toMatchObject({ value: "c" });
    expect(await evaluated("a.b.c", visitor)).toMatchObject({ value: true });
    core.apply("app", { version: "v1.2.3", rollout: 1 });
    expect(await evaluated("app.v1.2.3", visitor)).toMatchObject({ value: true });
    expect(await evaluated("app.v1.2", visitor)).toMatchObject({ value: false });
  });

  test.each([
    "app.master",
    "app.maintenance",
    "app.",
    "app.a b",
    "nope",
    "app2",
    "",
    ".",
    ".app",
    "/app",
    "x".repeat(5_000),
  ])("OFR-2, OFR-8: the flag %p is not found", async (key) => {
    const before = countOf(core, "unknown-application");
    const answer = await evaluated(key, visitor);
    expect(answer).toMatchObject({ status: 404, errorCode: "FLAG_NOT_FOUND", key: key.slice(0, 256) });
    expect(answer["errorDetails"]).toBeString();
    const isServed = key.startsWith("app.");
    if (!isServed) expect(countOf(core, "unknown-application")).toBe(before + 1);
  });

  test("OFR-8: a key that is not percent-encoded right is not found", async () => {
    const reply = await client.ask("POST", `${FLAGS}/%zz%`, {}, JSON.stringify({ context: visitor }));
    expect(answerOf(reply)).toMatchObject({ status: 404, errorCode: "FLAG_NOT_FOUND", key: "%zz%" });
  });

  test("OFR-5: the key places like the key of the line protocol, for any text", async () => {
    const random = new Random();
    const keys = [
      "user-1",
      "é",
      "日本語",
      'a"b\\c\n',
      "%41",
      "0.9",
      ...Array.from({ length: 200 }, () => anyText(random)),
    ];
    for (const targetingKey of keys) {
      const assignment = assignmentOfKey(targetingKey);
      const value = assignment < 0.5 ? "canary" : "master";
      const answer = await evaluated("app", { targetingKey });
      expect([targetingKey, answer]).toEqual([targetingKey, expect.objectContaining({ value })]);
      expect(answer["metadata"]).toMatchObject({ assignment });
    }
  });

  test("OFR-6: an assignment counts before the key; that of the context before the header and the cookie", async () => {
    const number = async (context: unknown, headers: Record<string, string> = {}) =>
      ((await evaluated("app", context, headers))["metadata"] as { assignment: number }).assignment;
    expect(await number({ ...visitor, maxwellsdaemon: "0.9" })).toBe(0.9);
    expect(await number({ maxwellsdaemon: 0.25 })).toBe(0.25);
    expect(await number({ maxwellsdaemon: 1e-7 })).toBe(1e-7);
    expect(await number({ maxwellsdaemon: "", ...visitor })).toBe(assignmentOfKey("abc"));
    expect(await number({ maxwellsdaemon: null, ...visitor })).toBe(assignmentOfKey("abc"));
    expect(await number(visitor, { cookie: "a=b; maxwellsdaemon=0.7" })).toBe(0.7);
    expect(await number(visitor, { maxwellsdaemon: "0.6", cookie: "maxwellsdaemon=0.7" })).toBe(0.6);
    expect(await number({ maxwellsdaemon: 0.25 }, { maxwellsdaemon: "0.6" })).toBe(0.25);
    expect(await number({ maxwellsdaemon: 0.25 }, { maxwellsdaemon: "x" })).toBe(0.25);
    // The key of a header does not count here.
    expect(await number(visitor, { "maxwellsdaemon-key": "a" })).toBe(assignmentOfKey("abc"));
  });

  test.each(["1", "x", "0.5 force=canary", 1, -0.5, "0,5"])(
    "OFR-4, OFR-6: a visitor with the invalid assignment %p gets master and a fresh number, and no error",
    async (maxwellsdaemon) => {
      core.apply("app", { rollout: 1 });
      const before = countOf(core, "invalid");
      const answer = await evaluated("app", { ...visitor, maxwellsdaemon });
      expect(answer).toMatchObject({ status: 200, value: "master", reason: "UNKNOWN", variant: "master" });
      const metadata = answer["metadata"] as { assignment: number };
      expect(metadata).toMatchObject({ application: "app", reason: "invalid" });
      expect(metadata.assignment).toBeWithin(0, 1);
      expect(metadata.assignment).not.toBe(assignmentOfKey("abc"));
      expect(countOf(core, "invalid")).toBe(before + 1);
      expect(await evaluated("app", {}, { cookie: "maxwellsdaemon=x" })).toMatchObject({ value: "master" });
    },
  );

  test("OFR-4, OFR-7: a forced location is a match of targeting", async () => {
    const forced = { ...visitor, "maxwellsdaemon-force": "master" };
    expect(await evaluated("app", forced)).toMatchObject({ value: "master", reason: "TARGETING_MATCH" });
    expect(await evaluated("app", { ...forced, "maxwellsdaemon-force": "" })).toMatchObject({
      value: "canary",
    });
    const cookie = "maxwellsdaemon-force=never";
    expect(await evaluated("app", visitor, { cookie })).toMatchObject({ value: "master" });
  });

  test("OFR-4: without fresh records the location is master, with status 200, unless the version holds", async () => {
    core.advance(UNHEALTHY_MS);
    expect(await evaluated("app", visitor)).toMatchObject({
      ...{ status: 200, value: "master", reason: "UNKNOWN" },
      metadata: { reason: "stale" },
    });
    expect(await evaluated("app.canary", visitor)).toMatchObject({ status: 200, value: false });
    core.apply("app", { rollout: 0.5, failsafe: "hold" });
    core.advance(UNHEALTHY_MS);
    expect(await evaluated("app", visitor)).toMatchObject({
      ...{ status: 200, value: "canary", reason: "SPLIT" },
      metadata: { reason: "hold" },
    });
  });

  test.each([
    ["", "PARSE_ERROR"],
    ["{", "PARSE_ERROR"],
    ["[]", "PARSE_ERROR"],
    ["null", "PARSE_ERROR"],
    ['"context"', "PARSE_ERROR"],
    ["[".repeat(1_024), "PARSE_ERROR"],
    ["[".repeat(BODY_BYTES_MAX), "INVALID_CONTEXT"],
    [`{"context":{"targetingKey":"abc","a":[${"0,".repeat(1_024)}0]}}`, "INVALID_CONTEXT"],
    [`{"context":{"targetingKey":"abc","a":[${"[],".repeat(520)}[]]}}`, "INVALID_CONTEXT"],
    ['{"context":[]}', "INVALID_CONTEXT"],
    ['{"context":"abc"}', "INVALID_CONTEXT"],
    ['{"context":null}', "INVALID_CONTEXT"],
    ['{"context":{"targetingKey":5}}', "INVALID_CONTEXT"],
    ['{"context":{"targetingKey":{}}}', "INVALID_CONTEXT"],
    ['{"context":{"targetingKey":"abc","maxwellsdaemon":true}}', "INVALID_CONTEXT"],
    ['{"context":{"targetingKey":"abc","maxwellsdaemon-force":5}}', "INVALID_CONTEXT"],
    ["{}", "TARGETING_KEY_MISSING"],
    ['{"context":{}}', "TARGETING_KEY_MISSING"],
    ['{"context":{"targetingKey":""}}', "TARGETING_KEY_MISSING"],
    ['{"context":{"targetingKey":null}}', "TARGETING_KEY_MISSING"],
    ['{"context":{"__proto__":{"targetingKey":"abc"}}}', "TARGETING_KEY_MISSING"],
  ])("OFR-8: the body %p is answered with 400 and %s", async (body, errorCode) => {
    const before = countOf(core, "invalid");
    const answer = answerOf(await client.ask("POST", `${FLAGS}/app`, {}, body));
    expect(answer).toEqual({ status: 400, key: "app", errorCode, errorDetails: expect.any(String) });
    expect(countOf(core, "invalid")).toBe(before + 1);
    expect(await evaluated("app", visitor)).toMatchObject({ status: 200, value: "canary" });
  });

  test("OFR-8: the context of an application may have anything beside the values of the daemon", async () => {
    const text = `"\\,[{${"x,[{".repeat(1_000)}`;
    const context = {
      ...visitor,
      ...{ text, many: Array(1_000).fill(0) },
      email: "a@example.com",
      plan: { a: [1, null] },
      constructor: 5,
      toString: {},
    };
    expect(await evaluated("app", context)).toMatchObject({ status: 200, value: "canary" });
  });

  const whole = JSON.stringify({ context: visitor });
  const padded = (length: number) => whole.padEnd(length, " ");

  test("OFR-9: a body of 32 KiB is read, and a longer one is refused and skipped", async () => {
    const asked = async (body: string) => answerOf(await client.ask("POST", `${FLAGS}/app`, {}, body));
    expect(await asked(padded(BODY_BYTES_MAX))).toMatchObject({ status: 200, value: "canary" });
    const refused = { status: 400, errorCode: "INVALID_CONTEXT" };
    expect(await asked(padded(BODY_BYTES_MAX + 1))).toMatchObject(refused);
    expect(await asked(padded(1_000_000))).toMatchObject(refused);
    expect(await asked(whole)).toMatchObject({ status: 200, value: "canary" });
  });

  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const chunks = `${chunk(whole)}0\r\n\r\n`;
  const CHUNKED = `POST ${FLAGS}/app HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`;
  const LENGTH = `POST ${FLAGS}/app HTTP/1.1\r\nhost: x\r\ncontent-length: ${whole.length}\r\n\r\n`;

  test.each([
    ["with a length", LENGTH + whole],
    ["in one chunk", `${CHUNKED}${chunk(whole)}0\r\n\r\n`],
    ["in many chunks", `${CHUNKED}${[...whole].map(chunk).join("")}0\r\n\r\n`],
    ["with an extension and lines behind it", `${CHUNKED}2;a=b\r\n  \r\n${chunk(whole)}0;c\r\nx: y\r\n\r\n`],
  ])("OFR-9: a body %s is read, in pieces of any size, and the connection goes on", async (_, request) => {
    const pieces = await connect();
    for (const size of [request.length, 1, 7]) {
      for (let at = 0; at < request.length; at += size) {
        pieces.socket.write(request.slice(at, at + size));
        if (size > 1) await Bun.sleep(1);
        else await new Promise(setImmediate);
      }
      expect(answerOf(await pieces.reply())).toMatchObject({ status: 200, value: "canary" });
    }
    pieces.socket.write(request + request);
    expect(answerOf(await pieces.reply())).toMatchObject({ value: "canary" });
    expect(answerOf(await pieces.reply())).toMatchObject({ value: "canary" });
    expect(pieces.received).toBe("");
    pieces.socket.write("GET /decide HTTP/1.1\r\n");
    await Bun.sleep(1);
    pieces.socket.write("maxwellsdaemon: 0.1\r\n\r\n");
    expect((await pieces.reply()).headers.get("maxwellsdaemon-location")).toBe("canary");
    pieces.close();
  });

  test("OFR-9: a client that always has begun its next request is not too slow", async () => {
    const busy = await connect();
    const half = Math.floor(LENGTH.length / 2);
    busy.socket.write(LENGTH.slice(0, half));
    const endsAtMs = performance.now() + 4_000;
    while (performance.now() < endsAtMs) {
      busy.socket.write(LENGTH.slice(half) + whole + LENGTH.slice(0, half));
      expect(answerOf(await busy.reply())).toMatchObject({ status: 200, value: "canary" });
      await Bun.sleep(50);
    }
    busy.close();
  });

  test.each([
    ["too many chunks", `${CHUNKED}${chunk(" ").repeat(65)}${chunk(whole)}0\r\n\r\n`],
    ["chunks that are too long together", CHUNKED + chunk(" ".repeat(20_000)).repeat(2)],
    ["a chunk with a false size", `${CHUNKED}3\r\n${whole}\r\n0\r\n\r\n`],
    ["a chunk that ends in other bytes", `${CHUNKED}${chunks.replace(`${whole}\r\n`, `${whole}xx`)}`],
    ["a lone LF behind the last chunk", `${CHUNKED}${chunk(whole)}0\r\nx: y\nz\r\n\r\n`],
    ["a size in letters", `${CHUNKED}x\r\n\r\n`],
    ["a negative size", `${CHUNKED}-1\r\n\r\n`],
    ["a size that is too large", `${CHUNKED}7fffffff\r\n`],
    ["a size with a lone LF", `${CHUNKED}2\n{}\r\n0\r\n\r\n`],
    ["an endless line of a size", `${CHUNKED}1;${"a".repeat(500)}`],
    ["an endless trailer", `${CHUNKED}${chunk(whole)}0\r\n${"x: y\r\n".repeat(100)}`],
    ["chunks and a length", CHUNKED.replace("\r\n\r\n", "\r\ncontent-length: 5\r\n\r\n") + chunks],
    ["a length and chunks", CHUNKED.replace("host: x", "content-length: 5") + chunks],
    ["two codings", CHUNKED.replace("host: x", "transfer-encoding: chunked") + chunks],
    ["another coding", CHUNKED.replace("chunked", "gzip, chunked") + chunks],
    ["chunks over HTTP/1.0", CHUNKED.replace("HTTP/1.1", "HTTP/1.0") + chunks],
    ["two lengths", LENGTH.replace("host: x", "content-length: 5") + whole],
    ["a question whether to send the body", LENGTH.replace("host: x", "expect: 100-continue")],
  ])("OFR-9: %s: the answer is INVALID_CONTEXT, and nothing more is read", async (_, request) => {
    const odd = await connect();
    odd.socket.write(request + LENGTH + whole);
    const reply = await odd.reply();
    expect(answerOf(reply)).toMatchObject({ status: 400, errorCode: "INVALID_CONTEXT" });
    expect(reply.headers.get("connection")).toBe("close");
    odd.socket.end();
    await odd.ended();
    expect(odd.received).toBe("");
  });

  test("OFR-9: a body that is not complete in time ends its connection", async () => {
    const slow = await connect();
    const beganMs = performance.now();
    slow.socket.write(LENGTH);
    const dripping = setInterval(() => slow.socket.write(" "), 100);
    await slow.ended();
    clearInterval(dripping);
    expect(performance.now() - beganMs).toBeGreaterThan(1_500);
    expect(slow.received).toBe("");
  });

  test("every answer is counted and timed", async () => {
    const [counts] = core.metrics.servers;
    const timed = () => core.metrics.delay.counts.reduce((sum, count) => sum + count);
    const before = counts?.success ?? 0;
    await eventually(() => timed() === before, "every earlier reply is timed");
    await evaluated("app", visitor);
    await evaluated("nope", visitor);
    await evaluated("app", {});
    expect(counts?.success).toBe(before + 3);
    await eventually(() => timed() === before + 3, "every reply is timed");
  });

  test("decisions and flags on one connection are answered in their order", async () => {
    for (let round = 0; round < 200; round++) {
      client.send("GET", "/decide", { maxwellsdaemon: "0.7" });
      client.send("POST", `${FLAGS}/app`, {}, whole);
    }
    for (let round = 0; round < 200; round++) {
      expect((await client.reply()).headers.get("maxwellsdaemon-location")).toBe("master");
      expect(answerOf(await client.reply())).toMatchObject({ value: "canary" });
    }
  });
});

describe("OFREP", () => {
  afterAll(() => listener.close());

  test("OFR-4, OFR-7: before the first read all get master; without -allow-force nothing is forced", async () => {
    await start();
    expect(await evaluated("app", { targetingKey: "a" })).toMatchObject({
      ...{ status: 200, value: "master", reason: "UNKNOWN" },
      metadata: { reason: "unread" },
    });
    core.apply("app", { rollout: 0.5 });
    const forced = { maxwellsdaemon: 0.1, "maxwellsdaemon-force": "master" };
    expect(await evaluated("app", forced)).toMatchObject({ value: "canary" });
  });
});
