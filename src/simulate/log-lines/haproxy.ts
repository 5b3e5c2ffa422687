/**
 * The format of HAProxy's `option httplog`, after any head of syslog.
 *
 *     192.0.2.7:33317 [29/Nov/2026:12:10:03.655] web app/s1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"
 */

import type { LoggedRequest } from "../request-log.ts";
import { logTimeMs } from "./clock.ts";

const LINE =
  /(?:^| )(\S+):\d+ \[(\d{1,2}\/[A-Z][a-z]{2}\/\d{4}:[\d:.]+)\] \S+ \S+ [-+\d/]+ (-?\d+) \+?\d+ \S+ \S+ ([-A-Za-z]{2,4}) /;

export function readHaproxy(line: string): LoggedRequest | undefined {
  const parts = LINE.exec(line);
  if (parts === null) return undefined;
  const [, visitor = "", time = "", status, ended = ""] = parts;
  const atMs = logTimeMs(time);
  if (Number.isNaN(atMs)) return undefined;
  // C: the client ended the session. A status of -1 says that there was no answer.
  const isLeft = /^c/i.test(ended) || Number(status) < 0;
  return { atMs, visitor, status: isLeft ? 0 : Number(status) };
}
