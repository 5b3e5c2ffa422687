/**
 * Finds the body of a request: with a length, or in chunks (RFC 9112, sections 6 and 7.1). Pure.
 *
 * `/decide` needs no body, so its bodies are skipped. This is for the pages that read one.
 */

import type { Framing } from "./framing.ts";

/** The longest body that is read. The context of a visitor has some hundred bytes. */
export const BODY_BYTES_MAX = 32_768;

/** A body may have this many chunks. Applications that send chunks send one or two. */
const CHUNKS_MAX = 64;

/** The longest line of a chunk's size, or behind the last chunk. */
const LINE_BYTES_MAX = 128;

/** A whole body. */
export interface Body {
  readonly bytes: Buffer;
  /** The position behind it. */
  readonly end: number;
}

/** Why there is no whole body: more bytes have to come, it is too long, or its end is not certain. */
export type NoBody = "more" | "too long" | "unframed";

const CR = 0x0d;
const LF = 0x0a;

/** Reads the body that begins at `bytes[start]`. A request without a length has an empty body. */
export function readBody(bytes: Uint8Array, start: number, framing: Framing): Body | NoBody {
  if (framing.isUnframed) return "unframed";
  if (framing.isChunked) return readChunks(bytes, start);
  const length = Math.max(0, framing.bodyBytes);
  if (length > BODY_BYTES_MAX) return "too long";
  const end = start + length;
  return end > bytes.length ? "more" : { bytes: slice(bytes, start, end), end };
}

function readChunks(bytes: Uint8Array, start: number): Body | NoBody {
  const chunks: Buffer[] = [];
  let length = 0;
  let at = start;
  while (chunks.length < CHUNKS_MAX) {
    const end = endOfLine(bytes, at);
    if (typeof end !== "number") return end;
    const size = sizeOf(bytes, at, end);
    if (size === undefined) return "unframed";
    at = end + 2;
    if (size === 0) {
      const behind = endOfTrailer(bytes, at);
      return typeof behind === "number" ? { bytes: joined(chunks), end: behind } : behind;
    }
    length += size;
    if (length > BODY_BYTES_MAX) return "too long";
    if (at + size + 2 > bytes.length) return "more";
    chunks.push(slice(bytes, at, at + size));
    at += size;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return "unframed";
    at += 2;
  }
  return "too long";
}

/** The lines behind the last chunk, up to an empty one. They are not read. */
function endOfTrailer(bytes: Uint8Array, start: number): number | NoBody {
  let at = start;
  for (let lines = 0; lines < CHUNKS_MAX; lines++) {
    const end = endOfLine(bytes, at);
    if (typeof end !== "number") return end;
    if (end === at) return at + 2;
    at = end + 2;
  }
  return "too long";
}

/** The position of the CR LF that ends the line at `bytes[start]`. */
function endOfLine(bytes: Uint8Array, start: number): number | NoBody {
  const last = Math.min(bytes.length, start + LINE_BYTES_MAX);
  for (let at = start; at < last; at++) {
    if (bytes[at] === LF) return "unframed";
    if (bytes[at] !== CR) continue;
    if (at + 1 === bytes.length) return "more";
    return bytes[at + 1] === LF ? at : "unframed";
  }
  return bytes.length < start + LINE_BYTES_MAX ? "more" : "unframed";
}

/** The size of a chunk: hexadecimal digits, perhaps with an extension behind a semicolon. */
function sizeOf(bytes: Uint8Array, start: number, end: number): number | undefined {
  const [, digits] =
    /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/.exec(slice(bytes, start, end).toString("latin1")) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

function slice(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
