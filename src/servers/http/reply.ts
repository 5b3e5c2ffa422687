/** Writes replies of HTTP/1.1 (RFC 9112; docs/protocol/http.md): decisions, and pages beside them. */

import { SPELLING_BYTES_MAX } from "../../assignment.ts";
import type { Decision, Request } from "../../handler.ts";
import type { TailEncoder } from "../../placement.ts";
import type { Head } from "./head.ts";

/** The longest decision: a prefix, a spelling twice, a location, and the names of their headers. */
export const DECISION_BYTES_MAX = 512;

/** Time between two changes of the date in replies (RFC 9110, section 6.6.1). */
const DATE_EVERY_MS = 1_000;

/** A page that is served beside decisions. */
export interface Page {
  readonly status: number;
  /** Empty if there is no body, and so no type of it. */
  readonly contentType: string;
  readonly body: string;
  /** More headers, each as a whole line. */
  readonly headers?: readonly string[];
}

/** The page at a path; undefined if there is none. Must not throw. */
export type Pages = (path: string, query: URLSearchParams, nowMs: number) => Page | undefined;

export const NOT_FOUND: Page = { status: 404, contentType: "text/plain", body: "ask for /decide\n" };
export const NOT_HTTP: Page = { status: 400, contentType: "text/plain", body: "this is not HTTP/1.1\n" };

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  304: "Not Modified",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  503: "Service Unavailable",
};

/** The bytes of a decision before the assignment. They change once a second, so they are kept. */
export class Prefixes {
  #datedAtMs = Number.NEGATIVE_INFINITY;
  #keep: Uint8Array = new Uint8Array(0);
  #keepOld: Uint8Array = new Uint8Array(0);
  #close: Uint8Array = new Uint8Array(0);

  /**
   * @param isLast   the connection ends with this reply
   * @param isHttp10 the client speaks HTTP/1.0, so the reply must say that the connection is kept
   * @param nowMs    the time of the turn; the date itself comes from the wall clock
   */
  of(isLast: boolean, isHttp10: boolean, nowMs: number): Uint8Array {
    if (nowMs - this.#datedAtMs >= DATE_EVERY_MS) {
      this.#datedAtMs = nowMs;
      const date = new Date().toUTCString();
      this.#keep = prefix(date, "");
      this.#keepOld = prefix(date, "Connection: keep-alive\r\n");
      this.#close = prefix(date, "Connection: close\r\n");
    }
    if (isLast) return this.#close;
    return isHttp10 ? this.#keepOld : this.#keep;
  }
}

function prefix(date: string, connection: string): Uint8Array {
  // A proxy may cache all that it asks for, and the decision for one visitor must not be given to another.
  const head = `HTTP/1.1 200 OK\r\nDate: ${date}\r\nCache-Control: no-store\r\nContent-Length: 0\r\n${connection}maxwellsdaemon: `;
  return Buffer.from(head, "latin1");
}

const COOKIE_BEGIN = Buffer.from("\r\nSet-Cookie: maxwellsdaemon=", "latin1");
/** A visitor keeps its assignment for a year. */
const COOKIE_ATTRIBUTES = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
const COOKIE_END = Buffer.from(COOKIE_ATTRIBUTES, "latin1");
const COOKIE_END_TLS = Buffer.from(`${COOKIE_ATTRIBUTES}; Secure`, "latin1");

/** The bytes behind the assignment in a decision: the header of the location, and the end of the head. */
export const httpTail: TailEncoder = (location) =>
  Buffer.from(`\r\nmaxwellsdaemon-location: ${location}\r\n\r\n`, "latin1");

/**
 * Writes a decision at `out[at]`. `DECISION_BYTES_MAX` must be free there.
 *
 * @param head has the position of the given assignment in `bytes`, which is echoed as it was spelled if it is
 *             used; and says whether the visitor gets a new assignment as a cookie
 * @param tail the tail that `httpTail` made for the decision's location
 * @returns the position for the next reply
 */
export function writeDecision(
  out: Buffer,
  at: number,
  prefix: Uint8Array,
  decision: Readonly<Decision>,
  request: Readonly<Request>,
  bytes: Uint8Array,
  head: Readonly<Head>,
  tail: Uint8Array,
): number {
  const spelling = head.assignment;
  out.set(prefix, at);
  let next = at + prefix.length;
  const isUsed = request.valid && decision.assignment === request.assignment;
  if (isUsed && spelling.end - spelling.start <= SPELLING_BYTES_MAX) {
    for (let i = spelling.start; i < spelling.end; i++) out[next++] = bytes[i] as number;
  } else {
    const text = String(decision.assignment);
    next += out.write(text, next, "latin1");
    if (head.wantsCookie && !isUsed) {
      next += COOKIE_BEGIN.copy(out, next);
      next += out.write(text, next, "latin1");
      next += (head.isTls ? COOKIE_END_TLS : COOKIE_END).copy(out, next);
    }
  }
  out.set(tail, next);
  return next + tail.length;
}

/** A page with its head; without its body if the method is HEAD. */
export function pageBytes(page: Page, isLast: boolean, { isHead }: Head): Buffer {
  const { status, contentType, body, headers = [] } = page;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? "Status"}`,
    `Date: ${new Date().toUTCString()}`,
    ...(contentType === ""
      ? []
      : [`Content-Type: ${contentType}`, `Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
    `Connection: ${isLast ? "close" : "keep-alive"}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${isHead ? "" : body}`);
}
