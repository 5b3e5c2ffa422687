/**
 * The formats `common` and `combined` of Apache and nginx, and the one that Traefik writes by default. Fields
 * after the browser's name do no harm.
 *
 *     192.0.2.7 - - [29/Nov/2026:12:10:03 +0000] "GET / HTTP/1.1" 200 512 "https://…" "Mozilla/5.0 …"
 */

import type { LoggedRequest } from "../request-log.ts";
import { logTimeMs } from "./clock.ts";

const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"';
const LINE = new RegExp(
  `^(?:\\S+ )?(\\S+) \\S+ \\S+ \\[([^\\]]+)\\] ${QUOTED} (\\d{3}) (?:\\d+|-)(?: ${QUOTED} ${QUOTED})?`,
);

/** nginx's word for a visitor who left before the answer. */
const LEFT = 499;

export function readCombined(line: string): LoggedRequest | undefined {
  const parts = LINE.exec(line);
  if (parts === null) return undefined;
  const [, address = "", time = "", , status, , browser = ""] = parts;
  const atMs = logTimeMs(time);
  if (Number.isNaN(atMs)) return undefined;
  return { atMs, visitor: `${address} ${browser}`, status: Number(status) === LEFT ? 0 : Number(status) };
}
