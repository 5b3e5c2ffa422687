/**
 * Access logs that real proxies wrote with their own formats: nginx 1.22, HAProxy 2.6 (`option httplog`,
 * `option abortonclose`), Caddy 2.6 and Traefik 3.7. The requests were the same: two answers, an error of
 * the version, a slow answer, a version that did not listen, and a visitor who left after 0.3 s.
 */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readLogLine } from "../../src/simulate/log-lines/line.ts";

const LOGS = join(import.meta.dir, "../vectors/access-logs");

test.each(readdirSync(LOGS))("%s is read, each line of it", (name) => {
  const lines = readFileSync(join(LOGS, name), "utf8").trim().split("\n");
  const requests = lines.map(readLogLine);
  // HAProxy also logs a connection that ended without a request.
  const first = name === "haproxy.txt" ? [0] : [];
  const noAnswer = name === "haproxy.txt" ? 503 : 502;
  expect(requests.map((request) => request?.status)).toEqual([...first, 200, 200, 500, 200, noAnswer, 0]);
  for (const request of requests) {
    expect(request?.visitor).toStartWith("127.0.0.1");
    expect(request?.atMs).toBeWithin(Date.UTC(2026, 10, 30, 5, 21), Date.UTC(2026, 10, 30, 5, 23));
  }
});
