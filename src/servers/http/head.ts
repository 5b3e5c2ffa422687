/**
 * Reads the head of an HTTP/1.1 request, as far as `/decide` needs it (RFC 9112; docs/protocol/http.md).
 * Pure.
 *
 * `readHead` notes the positions of values and copies nothing. Only CR LF ends a line: if a proxy lets a lone
 * LF pass in a value, the visitor must not be able to write headers that way. If a head does not say for
 * certain where the request ends, because of two different `Content-Length` for example, it is marked
 * `isUnframed`. Such a request is answered for its visitor's sake, and is the last on its connection.
 */

import {
  beginsWith,
  isAt,
  isEmpty,
  isExactlyAt,
  isFirstOf,
  isNamed,
  LOWER,
  SPACE,
  type Span,
  trimInto,
} from "./ascii.ts";
import { type Framing, readCoding, readConnection, readLength } from "./framing.ts";

/**
 * The values of a head. A server has one such object for all its requests, so none is allocated for a
 * request.
 */
export interface Head extends Framing {
  /** False if these bytes are not a request of HTTP/1. */
  isHttp: boolean;
  isHttp10: boolean;
  /** The method is HEAD: a page has no body. */
  isHead: boolean;
  isGet: boolean;
  isPost: boolean;
  /** A header that may be there only once was there twice or more. */
  isDoubled: boolean;
  readonly target: Span;
  /** From the header, or else from the cookie. */
  readonly assignment: Span;
  readonly application: Span;
  readonly key: Span;
  /** From the header, or else from the cookie. */
  readonly force: Span;
  /** The first `If-None-Match`. */
  readonly ifNoneMatch: Span;
  /** The header was there and not empty, so the cookie does not count. */
  hasAssignmentHeader: boolean;
  hasForceHeader: boolean;
  /** The proxy wants a `Set-Cookie` that it can pass on to a visitor whose assignment is new. */
  wantsCookie: boolean;
  hasForwardedProto: boolean;
  /** The proxy says that its visitor came over TLS. */
  isTls: boolean;
}

export function emptyHead(): Head {
  const span = () => ({ start: 0, end: 0 });
  return {
    isHttp: true,
    isHttp10: false,
    isHead: false,
    isGet: false,
    isPost: false,
    keepsAlive: true,
    isUnframed: false,
    isChunked: false,
    isDoubled: false,
    bodyBytes: -1,
    target: span(),
    assignment: span(),
    application: span(),
    key: span(),
    force: span(),
    ifNoneMatch: span(),
    hasAssignmentHeader: false,
    hasForceHeader: false,
    wantsCookie: false,
    hasForwardedProto: false,
    isTls: false,
  };
}

const NUL = 0x00;
const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const M = 0x6d;
const C = 0x63;
const T = 0x74;
const E = 0x65;
const I = 0x69;
const X = 0x78;

const NAME = Buffer.from("maxwellsdaemon");
const APPLICATION = Buffer.from("-application");
const KEY = Buffer.from("-key");
const FORCE = Buffer.from("-force");
const OURS_COOKIE = Buffer.from("-cookie");
const SET = Buffer.from("set");
const FORWARDED_PROTO = Buffer.from("x-forwarded-proto");
const HTTPS = Buffer.from("https");
const COOKIE = Buffer.from("cookie");
const CONNECTION = Buffer.from("connection");
const CONTENT_LENGTH = Buffer.from("content-length");
const TRANSFER_ENCODING = Buffer.from("transfer-encoding");
const EXPECT = Buffer.from("expect");
const IF_NONE_MATCH = Buffer.from("if-none-match");
const HEAD_METHOD = Buffer.from("head ");
const GET_METHOD = Buffer.from("GET ");
const POST_METHOD = Buffer.from("POST ");
const VERSION = Buffer.from(" http/1.");

/**
 * Whether an empty line is at `bytes[start]`. Some clients send one behind a body, so before a request it is
 * ignored (RFC 9112, section 2.2).
 */
export function isEmptyLine(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === CR && bytes[start + 1] === LF;
}

/**
 * Reads the head that begins at `bytes[start]`.
 *
 * @returns the position behind the head, or -1 if `bytes` does not have the end of the head
 */
export function readHead(bytes: Uint8Array, start: number, head: Head): number {
  let at = start;
  clear(head);
  let end = endOfLine(bytes, at, head);
  if (end < 0) return -1;
  readRequestLine(bytes, at, end, head);
  at = end + 2;
  for (;;) {
    end = endOfLine(bytes, at, head);
    if (end < 0) return -1;
    if (end === at) return at + 2;
    readField(bytes, at, end, head);
    at = end + 2;
  }
}

function clear(head: Head): void {
  head.isHttp = true;
  head.isHttp10 = false;
  head.isHead = false;
  head.isGet = false;
  head.isPost = false;
  head.keepsAlive = true;
  head.isUnframed = false;
  head.isChunked = false;
  head.isDoubled = false;
  head.bodyBytes = -1;
  head.hasAssignmentHeader = false;
  head.hasForceHeader = false;
  head.wantsCookie = false;
  head.hasForwardedProto = false;
  head.isTls = false;
  head.assignment.end = head.assignment.start = 0;
  head.application.end = head.application.start = 0;
  head.key.end = head.key.start = 0;
  head.force.end = head.force.start = 0;
  head.ifNoneMatch.end = head.ifNoneMatch.start = 0;
}

/**
 * The position of the CR LF that ends the line at `bytes[start]`, or -1 if it is not there yet. Another
 * reader may end the line at a lone CR, a lone LF or a NUL (RFC 9112, section 2.2). Such a reader sees other
 * headers, perhaps another `Content-Length`, so the head is marked `isUnframed`.
 */
function endOfLine(bytes: Uint8Array, start: number, head: Head): number {
  const last = bytes.length - 1;
  for (let at = start; at < last; at++) {
    const byte = bytes[at] as number;
    if (byte > CR) continue;
    if (byte === CR && bytes[at + 1] === LF) return at;
    if (byte === CR || byte === LF || byte === NUL) head.isUnframed = true;
  }
  return -1;
}

/** `method SP target SP HTTP/1.x` (RFC 9112, section 3). */
function readRequestLine(bytes: Uint8Array, start: number, end: number, head: Head): void {
  let space = start;
  while (space < end && (bytes[space] as number) > SPACE) space++;
  const targetEnd = end - VERSION.length - 1;
  if (space === start || targetEnd <= space || !isAt(VERSION, bytes, targetEnd)) {
    head.isHttp = false;
    return;
  }
  head.target.start = space + 1;
  head.target.end = targetEnd;
  head.isHead = isAt(HEAD_METHOD, bytes, start);
  head.isGet = isExactlyAt(GET_METHOD, bytes, start);
  head.isPost = isExactlyAt(POST_METHOD, bytes, start);
  head.isHttp10 = bytes[end - 1] === 0x30;
  head.keepsAlive = !head.isHttp10;
}

/** Reads one header line (RFC 9112, section 5). The first letter is enough to skip most headers. */
function readField(bytes: Uint8Array, start: number, end: number, head: Head): void {
  const first = bytes[start] as number;
  if (first <= SPACE) {
    // A folded line may belong to any header, so also to `Content-Length` or `Transfer-Encoding`.
    head.isUnframed = true;
    return;
  }
  switch (first | LOWER) {
    case M:
      if (isAt(NAME, bytes, start)) readOurs(bytes, start + NAME.length, end, head);
      return;
    case C:
      if (isNamed(COOKIE, bytes, start)) readCookies(bytes, start + COOKIE.length + 1, end, head);
      else if (isAt(CONTENT_LENGTH, bytes, start))
        readLength(bytes, start + CONTENT_LENGTH.length, end, head);
      else if (isNamed(CONNECTION, bytes, start))
        readConnection(bytes, start + CONNECTION.length + 1, end, head);
      return;
    case T:
      if (isAt(TRANSFER_ENCODING, bytes, start))
        readCoding(bytes, start + TRANSFER_ENCODING.length, end, head);
      return;
    case E:
      // A client that asked whether to send its body may send it or not after a final answer (RFC 9110,
      // section 10.1.1).
      if (isAt(EXPECT, bytes, start)) head.isUnframed = true;
      return;
    case I:
      if (isEmpty(head.ifNoneMatch) && isNamed(IF_NONE_MATCH, bytes, start))
        trimInto(bytes, start + IF_NONE_MATCH.length + 1, end, head.ifNoneMatch);
      return;
    case X:
      // If there are several values, the visitor used the first one. The others are later hops between
      // proxies.
      if (isNamed(FORWARDED_PROTO, bytes, start) && !head.hasForwardedProto) {
        head.hasForwardedProto = true;
        head.isTls = isFirstOf(HTTPS, bytes, start + FORWARDED_PROTO.length + 1, end);
      }
  }
}

function readOurs(bytes: Uint8Array, at: number, end: number, head: Head): void {
  if (bytes[at] === COLON) {
    if (head.hasAssignmentHeader) head.isDoubled = true;
    if (trimInto(bytes, at + 1, end, head.assignment)) head.hasAssignmentHeader = true;
    return;
  }
  if (isNamed(APPLICATION, bytes, at)) {
    if (head.application.end > head.application.start) head.isDoubled = true;
    trimInto(bytes, at + APPLICATION.length + 1, end, head.application);
  } else if (isNamed(KEY, bytes, at)) {
    if (head.key.end > head.key.start) head.isDoubled = true;
    trimInto(bytes, at + KEY.length + 1, end, head.key);
  } else if (isNamed(FORCE, bytes, at)) {
    // If the header is there twice, nothing is forced, and the visitor keeps its assignment: forcing may not
    // even be allowed.
    if (head.hasForceHeader) head.force.end = head.force.start;
    else if (trimInto(bytes, at + FORCE.length + 1, end, head.force)) head.hasForceHeader = true;
  } else if (isNamed(OURS_COOKIE, bytes, at)) {
    head.wantsCookie = beginsWith(SET, bytes, at + OURS_COOKIE.length + 1, end);
  }
}

/** A comma ends a cookie too: some proxies, such as Envoy, join several `Cookie` lines with one. */
function isCookieEnd(byte: number | undefined): boolean {
  return byte === SEMICOLON || byte === COMMA;
}

/**
 * Reads the first cookies of the daemon's names. Names of cookies are case-sensitive (RFC 6265, section 5.4).
 * The daemon's headers take precedence over its cookies.
 */
function readCookies(bytes: Uint8Array, start: number, end: number, head: Head): void {
  let at = start;
  while (at < end) {
    while (at < end && (bytes[at] === SPACE || isCookieEnd(bytes[at]))) at++;
    let stop = at;
    while (stop < end && !isCookieEnd(bytes[stop])) stop++;
    if (bytes[at] === M && isExactlyAt(NAME, bytes, at)) {
      const next = at + NAME.length;
      if (bytes[next] === EQUALS) {
        if (isEmpty(head.assignment)) trimInto(bytes, next + 1, stop, head.assignment);
      } else if (isExactlyAt(FORCE, bytes, next) && bytes[next + FORCE.length] === EQUALS) {
        if (!head.hasForceHeader && isEmpty(head.force))
          trimInto(bytes, next + FORCE.length + 1, stop, head.force);
      }
    }
    at = stop;
  }
}
