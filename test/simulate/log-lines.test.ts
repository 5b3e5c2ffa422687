import { describe, expect, test } from "bun:test";
import { readLogLine } from "../../src/simulate/log-lines/line.ts";
import { holds } from "../support/random.ts";

const AT = Date.UTC(2026, 10, 29, 12, 10, 3);

describe("a line of an access log", () => {
  test.each([
    [
      "combined",
      '192.0.2.7 - ada [29/Nov/2026:13:10:03 +0100] "GET /a\\"b HTTP/1.1" 502 512 "-" "Mozilla/5.0 (X11)"',
      { atMs: AT, visitor: "192.0.2.7 Mozilla/5.0 (X11)", status: 502 },
    ],
    [
      "common",
      '2001:db8::1 - - [29/Nov/2026:12:10:03 +0000] "GET / HTTP/1.1" 200 -',
      { atMs: AT, visitor: "2001:db8::1 ", status: 200 },
    ],
    [
      "combined with the name of the host before it, and a time after it",
      'shop.example 192.0.2.7 - - [29/Nov/2026:12:10:03 +0000] "GET / HTTP/2.0" 200 5 "-" "curl/8" 0.004',
      { atMs: AT, visitor: "192.0.2.7 curl/8", status: 200 },
    ],
    [
      "a visitor of nginx who left",
      '192.0.2.7 - - [29/Nov/2026:12:10:03 +0000] "GET / HTTP/1.1" 499 0 "-" "curl/8"',
      { atMs: AT, visitor: "192.0.2.7 curl/8", status: 0 },
    ],
    [
      "Traefik's own format",
      '192.0.2.7 - - [29/Nov/2026:12:10:03 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8" 1 "web@file" "http://127.0.0.1:80" 1ms',
      { atMs: AT, visitor: "192.0.2.7 curl/8", status: 200 },
    ],
    [
      "HAProxy, after the head of syslog",
      'Nov 29 12:10:03 lb haproxy[14389]: 192.0.2.7:33317 [29/Nov/2026:12:10:03.655] web app/s1 10/0/30/69/109 503 2750 - - SC-- 1/1/1/1/0 0/0 {shop} "GET / HTTP/1.1"',
      { atMs: AT + 655, visitor: "192.0.2.7", status: 503 },
    ],
    [
      "a visitor of HAProxy who left",
      '192.0.2.7:33317 [29/Nov/2026:12:10:03.000] web app/s1 10/0/30/-1/109 -1 0 - - CH-- 1/1/1/1/0 0/0 "GET / HTTP/1.1"',
      { atMs: AT, visitor: "192.0.2.7", status: 0 },
    ],
    [
      "JSON of nginx",
      '{"time_iso8601":"2026-11-29T13:10:03+01:00","remote_addr":"192.0.2.7","status":"200","http_user_agent":"curl/8"}',
      { atMs: AT, visitor: "192.0.2.7 curl/8", status: 200 },
    ],
    [
      "JSON of nginx with its other times, after the head of syslog",
      `nginx: {"msec":"${AT / 1_000}.250","remote_addr":"192.0.2.7","status":499}`,
      { atMs: AT + 250, visitor: "192.0.2.7 ", status: 0 },
    ],
    [
      "JSON of Caddy",
      `{"level":"info","ts":${AT / 1_000},"logger":"http.log.access","request":{"remote_ip":"10.0.0.1","client_ip":"192.0.2.7","headers":{"User-Agent":["curl/8"]}},"status":500}`,
      { atMs: AT, visitor: "192.0.2.7 curl/8", status: 500 },
    ],
    [
      "JSON of Caddy with milliseconds",
      `{"ts":${AT}.25,"request":{"client_ip":"192.0.2.7"},"status":500}`,
      { atMs: AT + 0.25, visitor: "192.0.2.7 ", status: 500 },
    ],
    [
      "JSON of Caddy with nanoseconds",
      `{"ts":${AT}000000,"request":{"client_ip":"192.0.2.7"},"status":500}`,
      { atMs: AT, visitor: "192.0.2.7 ", status: 500 },
    ],
    [
      "JSON of Traefik",
      '{"ClientHost":"192.0.2.7","DownstreamStatus":404,"StartUTC":"2026-11-29T12:10:03Z","time":"2026-11-29T12:10:04Z","request_User-Agent":"curl/8"}',
      { atMs: AT, visitor: "192.0.2.7 curl/8", status: 404 },
    ],
  ])("%s", (_, line, request) => {
    expect(readLogLine(line)).toEqual(request);
  });

  test.each([
    ...["", "{}", '{"status":200}', "null", '{"ts":"x","status":200,"remote_ip":"a"}', "x".repeat(70_000)],
    ...["[29/Nov/2026:12:10:03 +0000]", '192.0.2.7 - - [29/Foo/2026:12:10:03 +0000] "GET / HTTP/1.1" 200 5'],
    '2026/11/29 12:10:03 [error] 12#12: *1 open() "/x" failed (2: No such file or directory)',
  ])("of no known form is passed over: %#", (line) => {
    expect(readLogLine(line)).toBeUndefined();
  });

  test("any text is read or passed over", () => {
    const pieces = [
      "{",
      "}",
      '"',
      "[",
      "]",
      "\\",
      " ",
      "29/Nov/2026:12:10:03 +0000",
      "200",
      "-",
      "192.0.2.7:1",
      '"ts":1',
      "\u0000",
    ];
    holds(2_000, (random) => {
      const line = Array.from({ length: random.whole(0, 30) }, () => random.pick(pieces)).join("");
      const request = readLogLine(line);
      if (request !== undefined) expect(Number.isFinite(request.atMs)).toBe(true);
    });
  });
});
