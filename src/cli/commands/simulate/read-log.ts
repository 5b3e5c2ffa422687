/** Reads an access log from a file, also if gzip has packed it. */

import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { LOG_LINE_LENGTH_MAX, readLogLine } from "../../../simulate/log-lines/line.ts";
import { RequestLog } from "../../../simulate/request-log.ts";
import { errorMessage } from "../../../text/error-message.ts";
import { quote } from "../../../text/quote.ts";
import { CliError } from "../../exit.ts";

export interface ReadLog {
  readonly log: RequestLog;
  /** Lines of no known form. */
  readonly unread: number;
  /** Whether the log has more requests than are read. */
  readonly isCut: boolean;
}

/** Throws if the file cannot be read, or if no line of it is that of a request. */
export async function readLog(path: string): Promise<ReadLog> {
  const log = new RequestLog();
  let unread = 0;
  let isCut = false;
  try {
    for await (const line of linesOf(path)) {
      const request = readLogLine(line);
      if (request === undefined) unread += line === "" ? 0 : 1;
      else if (!log.add(request)) {
        isCut = true;
        break;
      }
    }
  } catch (error) {
    throw new CliError("failed", `${quote(path)} cannot be read: ${errorMessage(error)}`);
  }
  if (log.size < 2) {
    throw new CliError(
      "failed",
      `${quote(path)} has no requests in a form that this program knows; ${unread} lines were passed over`,
      "give an access log in the format combined, HAProxy's httplog, or JSON of nginx, Caddy or Traefik",
    );
  }
  log.sort();
  return { log, unread, isCut };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const stream = path.endsWith(".gz") ? pipeline(file, createGunzip(), () => {}) : file;
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    // A file without line feeds must not fill the memory.
    rest = (lines.pop() ?? "").slice(0, LOG_LINE_LENGTH_MAX + 1);
    yield* lines;
  }
  if (rest !== "") yield rest;
}
