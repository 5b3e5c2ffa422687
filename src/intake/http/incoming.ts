/**
 * Reads one request with its body, as its bytes come in: POST over HTTP/1.1, with a length or in chunks
 * (RFC 9112). Each byte is looked at once, however small the pieces are. Pure.
 */

import { headerField } from "../../text/header-field.ts";

/** The longest head of a request. */
export const HEAD_BYTES_MAX = 8_192;

/** The longest body. Envoy sends 16 KiB at a time, and Traefik at most 512 records. */
export const BODY_BYTES_MAX = 1_048_576;

/** A body may have this many chunks. */
const CHUNKS_MAX = 1_024;

/** The longest line of a chunk's size, or behind the last chunk. */
const LINE_BYTES_MAX = 256;

const END_OF_HEAD = "\r\n\r\n";
const REQUEST_LINE = /^([A-Z]{1,16}) (\/[^ ?]{0,255})[^ ]* HTTP\/1\.([01])$/;
const FIELD_NAME = /^[A-Za-z0-9-]{1,64}$/;

/** Why a request is not read further: the status of the answer, and a text for people. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

export interface IncomingHead {
  readonly method: string;
  readonly path: string;
  /** The client keeps the connection after the answer. */
  readonly keepsAlive: boolean;
  readonly fields: ReadonlyMap<string, string>;
}

const NOT_HTTP: Refusal = { status: 400, text: "this is not HTTP/1.1\n" };
const TOO_LARGE: Refusal = { status: 413, text: `send a body of at most ${BODY_BYTES_MAX} bytes\n` };

export class Incoming {
  head: IncomingHead | undefined;
  /** The position behind the request, when it is whole. */
  end = 0;
  /** The pieces of the body, as positions. */
  readonly #pieces: (readonly [start: number, end: number])[] = [];
  /** All bytes before this position have been looked at. */
  #at = 0;
  #bodyBytes = 0;
  /** The last chunk has come, and the lines behind it are to come. */
  #isLast = false;

  /**
   * Looks at bytes that have come since the last call.
   *
   * @param bytes all bytes since the beginning of the request
   * @returns true if the request is whole, false if more has to come
   */
  advance(bytes: Buffer): boolean | Refusal {
    if (this.head === undefined) {
      const end = bytes.indexOf(END_OF_HEAD, Math.max(0, this.#at - END_OF_HEAD.length), "latin1");
      this.#at = bytes.length;
      if (end > HEAD_BYTES_MAX || (end < 0 && bytes.length > HEAD_BYTES_MAX)) {
        return { status: 431, text: `send a head of at most ${HEAD_BYTES_MAX} bytes\n` };
      }
      if (end < 0) return false;
      this.head = readHead(bytes.toString("latin1", 0, end));
      if (this.head === undefined) return NOT_HTTP;
      this.#at = end + END_OF_HEAD.length;
    }
    const coding = this.head.fields.get("transfer-encoding");
    if (coding !== undefined) return coding === "chunked" ? this.#advanceChunks(bytes) : NOT_HTTP;
    return this.#advanceLength(bytes, this.head.fields.get("content-length") ?? "0");
  }

  /** The body of a whole request. */
  body(bytes: Buffer): Buffer {
    const pieces = this.#pieces.map(([start, end]) => bytes.subarray(start, end));
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }

  #advanceLength(bytes: Buffer, text: string): boolean | Refusal {
    if (!/^\d{1,15}$/.test(text)) return NOT_HTTP;
    if (Number(text) > BODY_BYTES_MAX) return TOO_LARGE;
    this.end = this.#at + Number(text);
    if (bytes.length < this.end) return false;
    this.#pieces.push([this.#at, this.end]);
    return true;
  }

  #advanceChunks(bytes: Buffer): boolean | Refusal {
    for (;;) {
      const lineEnd = bytes.subarray(this.#at, this.#at + LINE_BYTES_MAX).indexOf("\r\n", 0, "latin1");
      if (lineEnd < 0) return bytes.length - this.#at < LINE_BYTES_MAX ? false : NOT_HTTP;
      const line = bytes.toString("latin1", this.#at, this.#at + lineEnd);
      const next = this.#at + lineEnd + 2;
      if (this.#isLast) {
        this.#at = next;
        this.end = next;
        if (line === "") return true;
        continue;
      }
      const [, digits] = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/.exec(line) ?? [];
      if (digits === undefined) return NOT_HTTP;
      const size = Number.parseInt(digits, 16);
      this.#bodyBytes += size;
      if (this.#bodyBytes > BODY_BYTES_MAX || this.#pieces.length >= CHUNKS_MAX) return TOO_LARGE;
      if (size === 0) {
        this.#isLast = true;
        this.#at = next;
        continue;
      }
      if (bytes.length < next + size + 2) {
        this.#bodyBytes -= size;
        return false;
      }
      if (bytes.toString("latin1", next + size, next + size + 2) !== "\r\n") return NOT_HTTP;
      this.#pieces.push([next, next + size]);
      this.#at = next + size + 2;
    }
  }
}

function readHead(text: string): IncomingHead | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method, path, minor] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined || path === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [name = "", value = ""] = headerField(line) ?? [];
    if (!FIELD_NAME.test(name)) return undefined;
    const key = name.toLowerCase();
    // Two lengths, or a length and chunks, would let two readers see two requests.
    if (fields.has(key) && /^(?:content-length|transfer-encoding)$/.test(key)) return undefined;
    fields.set(key, value.toLowerCase());
  }
  if (fields.has("content-length") && fields.has("transfer-encoding")) return undefined;
  const connection = fields.get("connection") ?? (minor === "1" ? "keep-alive" : "close");
  return { method, path, keepsAlive: connection.includes("keep-alive"), fields };
}
