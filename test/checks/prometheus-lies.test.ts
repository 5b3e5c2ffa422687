/** A server in the place of Prometheus that is slow, gone or lies. Each answer of it is unknown. */

import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { unknown } from "../../src/checks/check-kind.ts";
import { ANSWER_BYTES_MAX } from "../../src/checks/prometheus.ts";
import { evaluate } from "../support/checks.ts";
import { flood, ok, startHostileWeb } from "../support/hostile-web.ts";

const FIGURE = '{"status":"success","data":{"resultType":"scalar","result":[1,"0.001"]}}';

/** The answer of a check that asks a server which serves this, and the server's requests. */
async function asked(serve: string | ((socket: Socket, request: string) => void), more = "") {
  const web = await startHostileWeb(typeof serve === "string" ? (socket) => socket.end(serve) : serve);
  const keys = `kind = "prometheus"\nurl = "${web.url}/p"\nquery = "a b"\ngo = "< 1"\nharm = "> 2"\n`;
  const answer = await evaluate(`${keys}${more}`, { environment: { TOKEN: "correct-horse" } });
  await web.stop();
  return { answer: { ...answer, why: answer.why.replaceAll(web.url, "URL") }, requests: web.requests };
}

test("the query is a GET with its time limit and its secret", async () => {
  const { answer, requests } = await asked(ok(FIGURE), 'token = "env:TOKEN"\ntimeout = "2s"');
  expect(answer).toMatchObject({ kind: "passed" });
  expect(requests[0]).toStartWith("GET /p/api/v1/query?query=a+b&timeout=2000ms HTTP/1.1\r\n");
  expect(requests[0]).toMatch(/^authorization: bearer correct-horse\r$/im);
});

test("a redirect within the origin is followed", async () => {
  const { answer, requests } = await asked((socket, request) => {
    const isOld = request.startsWith("GET /p/");
    socket.end(isOld ? "HTTP/1.1 301 x\r\nlocation: /q\r\ncontent-length: 0\r\n\r\n" : ok(FIGURE));
  });
  expect(answer).toMatchObject({ kind: "passed" });
  expect(requests).toHaveLength(2);
});

test("a body that never ends is unknown after some bytes, and is not kept", async () => {
  const before = process.memoryUsage.rss();
  const { answer } = await asked((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    flood(socket, " ".repeat(65_536));
  });
  expect(answer).toEqual(
    unknown(
      `URL answers with more than ${ANSWER_BYTES_MAX} bytes; let the query give one figure, such as by sum(…)`,
    ),
  );
  expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000);
});

test("a body of the greatest length counts, and one byte more does not", async () => {
  const long = FIGURE.padEnd(ANSWER_BYTES_MAX);
  expect((await asked(ok(long))).answer).toMatchObject({ kind: "passed" });
  expect((await asked(ok(`${long} `))).answer).toMatchObject({ kind: "unknown" });
});

test.each([
  ["says nothing", () => {}],
  ["sends half a head", (socket: Socket) => socket.write("HTTP/1.1 20")],
])("one that %s is unknown in time", async (_what, serve) => {
  expect((await asked(serve, 'timeout = "200ms"')).answer).toEqual(
    unknown(
      "URL does not answer (no whole answer within 0.2 s); check the address, the network and its certificate",
    ),
  );
});

test.each([
  ["stops within its body", (s: Socket) => s.write(ok(FIGURE).slice(0, -5)), 'timeout = "200ms"'],
  ["ends within its body", (s: Socket) => s.end(ok(FIGURE).slice(0, -5)), ""],
  [
    "sends bytes that are not UTF-8",
    (s: Socket) => s.end(ok(FIGURE).replace("success", "succes\xff"), "latin1"),
    "",
  ],
])("one that %s is unknown", async (_what, serve, more) => {
  expect((await asked(serve, more)).answer).toEqual(
    unknown("URL sends no whole answer in UTF-8; look at its server, and at the network"),
  );
});

test.each([
  [200, "<html>", "URL: the answer is not that of Prometheus's query API; check url"],
  [200, FIGURE.replace("success", "error"), "URL: Prometheus refuses the query"],
  [204, "", "URL: the answer is not that of Prometheus's query API; check url"],
  [401, "no", "URL answers with status 401; check token, login or headers"],
  [502, "<html>", "URL answers with status 502; look at its server"],
  // A cache or a proxy that fails may send an old body behind its own status.
  [500, FIGURE, "URL answers with status 500; look at its server"],
  [
    503,
    '{"status":"error","errorType":"timeout","error":"x"}',
    'URL: Prometheus refuses the query: "timeout: x"',
  ],
])("status %d with %s is unknown", async (status, body, why) => {
  const bytes = ok(body).replace("200 OK", `${status} x`);
  expect((await asked(bytes)).answer).toEqual(unknown(why));
});

test("the words of the server are cut, hide the secret, and drive no terminal", async () => {
  const error = `\u001b[2J\u202e key correct-horse ${"x".repeat(9_000)}`;
  const body = JSON.stringify({ status: "error", errorType: "bad_data", error });
  const { answer } = await asked(ok(body), 'token = "env:TOKEN"');
  expect(answer.why.length).toBeLessThan(250);
  expect(answer.why).toMatch(/^[\x20-\x7e…]*$/);
  expect(answer.why).toContain("key *** xxx");
});
