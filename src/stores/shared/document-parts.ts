/**
 * The bytes of a document → the bytes of each application, in steps. Only the outer object is parsed here:
 * the beginning and the end of each application's value. A parser reads the values later, application by
 * application.
 *
 * Parsing a whole document at once would make visitors wait too long. One application does not take that
 * long, and most applications are the same as before.
 */

import { RECORDS_MAX } from "../store.ts";

/**
 * An application may have this much text, and this many values in it: more would take longer to parse than a
 * visitor may wait. It is room for the 64 versions that an application may have, each with the history that
 * `set` keeps.
 */
export const APPLICATION_BYTES_MAX = 256 * 1024;
export const APPLICATION_VALUES_MAX = 8_192;

/**
 * A parser copies the text piece by piece between two escapes, such as `\\n`. A text of nothing but escapes
 * takes ten times as long as any other text of its length.
 */
export const APPLICATION_ESCAPES_MAX = 32_768;

/** The same depth as in DynamoDB. Records that people write by hand have two levels. */
export const RECORD_DEPTH_MAX = 32;

/**
 * A name of an application has 128 bytes at most, and JSON may spell each of them with six. Parsing much more
 * would take long.
 */
export const NAME_BYTES_MAX = 4_096;

/** A document of this program has no more applications. Each one takes memory. */
const PARTS_MAX = 32_768;

/** A step looks at about this many bytes. */
const STEP_BYTES = 2_048;

export type PartRefusal =
  | "too long"
  | "too many versions"
  | "too many values"
  | "too many escapes"
  | "too deep";

/** The place of an application in a document, in bytes. */
export interface Part {
  /** Its name as JSON, with the quotes. */
  readonly nameStart: number;
  readonly nameEnd: number;
  /** Its value. */
  readonly start: number;
  readonly end: number;
  /** The reason why it must not be parsed. */
  readonly refused: PartRefusal | undefined;
}

/** The place at which a document stops being an object in JSON. */
export interface Fault {
  /** In bytes. */
  readonly offset: number;
  /** The expected text at this place; undefined if a value begins here and has no end. */
  readonly expected: string | undefined;
}

/** Work in short steps. Other work may run between two steps. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** The parts of a document, in its order, or the place of its fault. */
export function* split(bytes: Uint8Array): Steps<Part[] | Fault> {
  const parts: Part[] = [];
  let at = yield* skipSpace(bytes, startsWithMark(bytes) ? MARK.length : 0);
  if (bytes[at] !== OPEN) return { offset: at, expected: "an object" };
  at = yield* skipSpace(bytes, at + 1);
  if (bytes[at] !== CLOSE) {
    for (;;) {
      if (bytes[at] !== QUOTE) {
        return { offset: at, expected: parts.length === 0 ? "a name in quotes or }" : "a name in quotes" };
      }
      const nameStart = at;
      const nameEnd = yield* endOfString(bytes, at);
      if (nameEnd > bytes.length) return { offset: nameStart, expected: undefined };
      at = yield* skipSpace(bytes, nameEnd);
      if (bytes[at] !== COLON) return { offset: at, expected: ":" };
      const start = yield* skipSpace(bytes, at + 1);
      const { end, ...extent } = yield* endOfValue(bytes, start);
      if (end === start) return { offset: start, expected: "a value" };
      const refused = refusal(end - start, extent);
      parts.push({ nameStart, nameEnd, start, end, refused });
      if (end > bytes.length) return { offset: start, expected: undefined };
      at = yield* skipSpace(bytes, end);
      if (bytes[at] === CLOSE) break;
      if (bytes[at] !== COMMA) return { offset: at, expected: ", or }" };
      if (parts.length === PARTS_MAX) return { offset: at, expected: `at most ${PARTS_MAX} applications` };
      at = yield* skipSpace(bytes, at + 1);
      yield;
    }
  }
  at = yield* skipSpace(bytes, at + 1);
  return at < bytes.length ? { offset: at, expected: "the end" } : parts;
}

/** The reason why an application of a valid document could not be read. */
export function refusalOf(bytes: Buffer, application: string): Part["refused"] {
  const steps = split(bytes);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  if (!Array.isArray(step.value)) return undefined;
  const isOfIt = ({ nameStart, nameEnd }: Part) =>
    JSON.parse(bytes.toString("utf8", nameStart, nameEnd)) === application;
  return step.value.findLast(isOfIt)?.refused;
}

/**
 * Line and column of a place, both counted from 1; columns in UTF-16 units, as editors show them for plain
 * text.
 */
export function* placeOf(
  bytes: Buffer,
  offset: number,
): Steps<{ readonly line: number; readonly column: number }> {
  let line = 1;
  let lineStart = 0;
  for (let at = bytes.indexOf(LF); at >= 0 && at < offset; at = bytes.indexOf(LF, at + 1)) {
    line++;
    lineStart = at + 1;
    yield;
  }
  return { line, column: bytes.toString("utf8", lineStart, offset).length + 1 };
}

function refusal(
  length: number,
  { depth, versions, values, escapes }: Omit<Extent, "end">,
): PartRefusal | undefined {
  if (length > APPLICATION_BYTES_MAX) return "too long";
  if (versions > RECORDS_MAX) return "too many versions";
  if (values > APPLICATION_VALUES_MAX) return "too many values";
  if (escapes > APPLICATION_ESCAPES_MAX) return "too many escapes";
  return depth > RECORD_DEPTH_MAX + 1 ? "too deep" : undefined;
}

/** Everything that is known about a value without parsing it. */
interface Extent {
  readonly end: number;
  /** The depth of its nesting. */
  readonly depth: number;
  /** The approximate number of its properties. */
  readonly versions: number;
  /** The approximate number of values in it, at all depths. */
  readonly values: number;
  /** The number of backslashes that begin an escape. */
  readonly escapes: number;
}

/** The end of the string whose first quote is at `at`; beyond the bytes if it has none. */
function* endOfString(bytes: Uint8Array, at: number): Steps<number> {
  let end = at + 1;
  for (;;) {
    const stop = Math.min(end + STEP_BYTES, bytes.length);
    for (; end < stop; end++) {
      const byte = bytes[end];
      if (byte === QUOTE) return end + 1;
      if (byte === BACKSLASH) end++;
    }
    if (end >= bytes.length) return bytes.length + 1;
    yield;
  }
}

/** The value at `at`. Its end is beyond the bytes if it has none, and `at` if there is no value. */
function* endOfValue(bytes: Uint8Array, at: number): Steps<Extent> {
  const first = bytes[at];
  if (first !== OPEN && first !== OPEN_LIST && first !== QUOTE) {
    return { end: yield* endOfWord(bytes, at), depth: 0, versions: 0, values: 1, escapes: 0 };
  }
  let open = 0;
  let depth = 0;
  let versions = 1;
  let values = 0;
  let escapes = 0;
  let isString = false;
  let end = at;
  for (;;) {
    const stop = Math.min(end + STEP_BYTES, bytes.length);
    for (; end < stop; end++) {
      const byte = bytes[end];
      if (isString) {
        if (byte === BACKSLASH) {
          end++;
          escapes++;
        } else if (byte === QUOTE) {
          isString = false;
          if (open === 0) return { end: end + 1, depth, versions, values, escapes };
        }
      } else if (byte === QUOTE) isString = true;
      else if (byte === OPEN || byte === OPEN_LIST) {
        open++;
        values++;
        if (open > depth) depth = open;
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        open--;
        if (open === 0) return { end: end + 1, depth, versions, values, escapes };
      } else if (byte === COMMA) {
        values++;
        if (open === 1) versions++;
      }
    }
    if (end >= bytes.length) return { end: bytes.length + 1, depth, versions, values, escapes };
    yield;
  }
}

/** A number, `true`, `false`, `null`, or invalid text in place of a value. */
function* endOfWord(bytes: Uint8Array, at: number): Steps<number> {
  for (let end = at; ; end++) {
    const byte = bytes[end];
    if (byte === undefined || byte === COMMA || byte === CLOSE || isSpace(byte)) return end;
    if ((end - at) % STEP_BYTES === STEP_BYTES - 1) yield;
  }
}

function* skipSpace(bytes: Uint8Array, at: number): Steps<number> {
  for (let next = at; ; next++) {
    if (!isSpace(bytes[next])) return next;
    if ((next - at) % STEP_BYTES === STEP_BYTES - 1) yield;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09;
}

function startsWithMark(bytes: Uint8Array): boolean {
  return MARK.every((byte, index) => bytes[index] === byte);
}

/** The byte order mark, which some editors put before a text. */
const MARK = [0xef, 0xbb, 0xbf] as const;

const LF = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
