/** Reads a line of an access log in any of the known forms. Pure and total. */

import type { LoggedRequest } from "../request-log.ts";
import { readCombined } from "./combined.ts";
import { readHaproxy } from "./haproxy.ts";
import { readJson } from "./json.ts";

/** A longer line is left out. */
export const LOG_LINE_LENGTH_MAX = 65_536;

/** Returns undefined if the line is of no known form. */
export function readLogLine(line: string): LoggedRequest | undefined {
  if (line.length > LOG_LINE_LENGTH_MAX) return undefined;
  const brace = line.indexOf("{");
  // Lines of JSON may have the head of syslog before them.
  if (brace >= 0 && line.trimEnd().endsWith("}")) {
    const request = readJson(line.slice(brace));
    if (request !== undefined) return request;
  }
  return readCombined(line) ?? readHaproxy(line);
}
