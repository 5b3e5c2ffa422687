/**
 * Reads and writes the line protocol (docs/protocol/line.md): a line → a request, a decision → two lines.
 * Pure.
 *
 *     request = [ assignment ] *( SP name "=" value ) LF
 *     reply   = assignment LF location LF
 */

import { parseAssignment, SPELLING_BYTES_MAX } from "../../assignment.ts";
import type { Decision, Request } from "../../handler.ts";
import type { TailEncoder } from "../../placement.ts";

/** The longest line, its LF included. */
export const LINE_BYTES_MAX = 8192;

export const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;

/** The longest reply: a spelling, a location, two LF. */
export const REPLY_BYTES_MAX = SPELLING_BYTES_MAX + 64 + 2;

/** A value is visible ASCII. Every other byte has to be percent-encoded. */
const FIELD = /^([A-Za-z][A-Za-z0-9._-]*)=([\x21-\x7e]*)$/;

/** Fields that are longer are not kept, and are read again with each line. */
const REPEATED_BYTES_MAX = 256;

/**
 * The last fields that were read. A proxy sends the same ones, such as `application=website`, with each
 * visitor. To compare them is faster than to read them again. Fields with a key are never kept, because each
 * visitor has another key.
 */
export class RepeatedFields {
  application: string | undefined;
  force: string | undefined;
  readonly #bytes = new Uint8Array(REPEATED_BYTES_MAX);
  /** -1 while no fields are kept. */
  #length = -1;

  /** Whether `bytes[start, end)` are the fields that are kept. */
  are(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== this.#length) return false;
    for (let at = 0; at < this.#length; at++) {
      if (bytes[start + at] !== this.#bytes[at]) return false;
    }
    return true;
  }

  /** Keeps `bytes[start, end)`, and the values that were read from them. */
  keep(bytes: Uint8Array, start: number, end: number, { application, force }: Readonly<Request>): void {
    if (end - start > REPEATED_BYTES_MAX) return;
    for (let at = start; at < end; at++) this.#bytes[at - start] = bytes[at] as number;
    this.#length = end - start;
    this.application = application;
    this.force = force;
  }
}

/**
 * Reads the line `bytes[start, end)`, its LF not included, into `request`; never throws.
 *
 * @param repeated the fields of an earlier line
 * @returns the position at which the spelling of the assignment ends; `start` if there is no assignment
 */
export function readRequest(
  bytes: Uint8Array,
  start: number,
  end: number,
  request: Request,
  repeated: RepeatedFields,
): number {
  request.assignment = Number.NaN;
  request.valid = true;
  request.application = undefined;
  request.key = undefined;
  request.force = undefined;
  if (start === end) return start;
  if (end - start >= LINE_BYTES_MAX) {
    request.valid = false;
    return start;
  }
  const space = indexOfSpace(bytes, start, end);
  if (space > start) {
    request.assignment = parseAssignment(bytes, start, space);
    if (Number.isNaN(request.assignment)) request.valid = false;
  }
  if (space < end) readFields(bytes, space + 1, end, request, repeated);
  return space;
}

/**
 * Whether a line is the first one of a request over HTTP, or its header `Host`. A browser sends both before
 * any text that a page on the web can choose. Makes a string only of a line that begins like one of them:
 * strings of many long lines would keep the collector busy, and other clients would wait.
 */
export function isHttp(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isLetter(bytes[at] as number)) at++;
  if (at === start || at === end || (bytes[at] !== SPACE && bytes[at] !== COLON)) return false;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  return /^[A-Za-z]+ .*HTTP\/|^host:/i.test(line);
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** The names and values of a line or a question, percent-decoded; undefined if any of them is malformed. */
export function parseFields(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const field of text.split(" ")) {
    const match = FIELD.exec(field);
    if (match === null) return undefined;
    try {
      fields.set(match[1] as string, decodeURIComponent(match[2] as string));
    } catch {
      return undefined;
    }
  }
  return fields;
}

/**
 * Fills in `request` from the names that it knows. An empty value counts as absent, because proxies send an
 * empty value if the visitor has none.
 */
export function applyFields(fields: ReadonlyMap<string, string>, request: Request): void {
  request.application = fields.get("application") || undefined;
  request.key = fields.get("key") || undefined;
  request.force = fields.get("force") || undefined;
}

/** `LF location LF`: the bytes behind the assignment in a reply. */
export const lineTail: TailEncoder = (location) => Buffer.from(`\n${location}\n`, "latin1");

/**
 * Writes the reply at `out[at]`. `REPLY_BYTES_MAX` must be free there.
 *
 * @param bytes `bytes[start, spellingEnd)` is the request's spelling of the assignment, which is echoed if it
 *              is used
 * @param tail  the tail that `lineTail` made for the decision's location
 * @returns the position for the next reply
 */
export function writeReply(
  out: Buffer,
  at: number,
  decision: Readonly<Decision>,
  request: Readonly<Request>,
  bytes: Uint8Array,
  start: number,
  spellingEnd: number,
  tail: Uint8Array,
): number {
  let next = at;
  if (
    request.valid &&
    decision.assignment === request.assignment &&
    spellingEnd - start <= SPELLING_BYTES_MAX
  ) {
    for (let i = start; i < spellingEnd; i++) out[next++] = bytes[i] as number;
  } else {
    next += out.write(String(decision.assignment), next, "latin1");
  }
  for (let i = 0; i < tail.length; i++) out[next++] = tail[i] as number;
  return next;
}

function readFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  request: Request,
  repeated: RepeatedFields,
): void {
  if (repeated.are(bytes, start, end)) {
    request.application = repeated.application;
    request.force = repeated.force;
    return;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  const fields = parseFields(text);
  if (fields === undefined) {
    request.valid = false;
    return;
  }
  applyFields(fields, request);
  if (request.key === undefined) repeated.keep(bytes, start, end, request);
}

/** The position of the first space in `bytes[start, end)`, or `end`. */
function indexOfSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE) at++;
  return at;
}
