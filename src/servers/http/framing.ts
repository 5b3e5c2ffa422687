/**
 * Reads the headers that decide the end of a request and of its connection: `Content-Length`,
 * `Transfer-Encoding` and `Connection`. Pure.
 */

import { isAt, isBlank, trimInto } from "./ascii.ts";

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;
const CLOSE = Buffer.from("close");
const KEEP_ALIVE = Buffer.from("keep-alive");
const CHUNKED = Buffer.from("chunked");

/** The longest `Content-Length`, in digits. JavaScript's numbers are exact up to this length. */
const LENGTH_DIGITS_MAX = 15;

/** The part of a head that decides the end of its request and of its connection. */
export interface Framing {
  /** The client wants to keep the connection. */
  keepsAlive: boolean;
  /** The head does not say for certain where the next request begins. */
  isUnframed: boolean;
  /** There is a `Transfer-Encoding`. If the head is not `isUnframed`, the body comes in chunks. */
  isChunked: boolean;
  /** Bytes of the body behind the head; -1 if there is no `Content-Length`. */
  bodyBytes: number;
}

/** Reads `Content-Length` (RFC 9112, section 6.3): only digits, and if it is there twice, twice the same. */
export function readLength(bytes: Uint8Array, at: number, end: number, head: Framing): void {
  let digits = at + 1;
  while (digits < end && isBlank(bytes[digits])) digits++;
  let length = 0;
  let next = digits;
  for (; next < end; next++) {
    const digit = (bytes[next] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
  }
  const count = next - digits;
  while (next < end && isBlank(bytes[next])) next++;
  const isWhole = bytes[at] === COLON && next === end && count > 0 && count <= LENGTH_DIGITS_MAX;
  const isTwice = head.bodyBytes >= 0 && head.bodyBytes !== length;
  if (!isWhole || isTwice || head.isChunked) head.isUnframed = true;
  head.bodyBytes = length;
}

/**
 * Reads `Transfer-Encoding` (RFC 9112, section 6.1). Only `chunked` alone is certain: once, without a length,
 * and over HTTP/1.1.
 */
export function readCoding(
  bytes: Uint8Array,
  at: number,
  end: number,
  head: Framing & { readonly isHttp10: boolean },
): void {
  const coding = { start: 0, end: 0 };
  const isWord =
    bytes[at] === COLON &&
    trimInto(bytes, at + 1, end, coding) &&
    coding.end - coding.start === CHUNKED.length &&
    isAt(CHUNKED, bytes, coding.start);
  if (!isWord || head.isChunked || head.bodyBytes >= 0 || head.isHttp10) head.isUnframed = true;
  head.isChunked = true;
}

/** Reads `Connection`: whether the client keeps the connection (RFC 9112, section 9.3). */
export function readConnection(bytes: Uint8Array, at: number, end: number, head: Framing): void {
  let start = at;
  while (start < end) {
    let stop = start;
    while (stop < end && bytes[stop] !== COMMA) stop++;
    while (start < stop && isBlank(bytes[start])) start++;
    let last = stop;
    while (last > start && isBlank(bytes[last - 1])) last--;
    if (last - start === CLOSE.length && isAt(CLOSE, bytes, start)) head.keepsAlive = false;
    else if (last - start === KEEP_ALIVE.length && isAt(KEEP_ALIVE, bytes, start)) head.keepsAlive = true;
    start = stop + 1;
  }
}
