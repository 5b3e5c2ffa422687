/**
 * Finds and compares ASCII text in the bytes of HTTP/1.1 without copying it. Pure.
 */

/** The position of a value in the bytes of a request; empty if the value was not given. */
export interface Span {
  start: number;
  end: number;
}

export const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const COMMA = 0x2c;
/** This bit makes a letter lower case, and leaves a dash as it is. */
export const LOWER = 0x20;
const UPPER_A = 0x41;

/**
 * Sets `span` to `bytes[start, end)` without the blanks around it. If only blanks are there, returns false
 * and leaves `span`.
 */
export function trimInto(bytes: Uint8Array, start: number, end: number, span: Span): boolean {
  let from = start;
  let to = end;
  while (from < to && isBlank(bytes[from])) from++;
  while (to > from && isBlank(bytes[to - 1])) to--;
  if (to === from) return false;
  span.start = from;
  span.end = to;
  return true;
}

export function isEmpty(span: Span): boolean {
  return span.end === span.start;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/**
 * Whether the value in `bytes[start, end)` begins with this word, which is given in lower case. Case does not
 * count.
 */
export function beginsWith(word: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isBlank(bytes[at])) at++;
  return at + word.length <= end && isAt(word, bytes, at);
}

/**
 * Whether this word, given in lower case, is the first one of the list in `bytes[start, end)`. Case does not
 * count.
 */
export function isFirstOf(word: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isBlank(bytes[at])) at++;
  const next = at + word.length;
  if (next > end || !isAt(word, bytes, at)) return false;
  return next === end || bytes[next] === COMMA || isBlank(bytes[next]);
}

/** Whether the header at `bytes[at]` has this name, which is given in lower case. Case does not count. */
export function isNamed(name: Uint8Array, bytes: Uint8Array, at: number): boolean {
  return isAt(name, bytes, at) && bytes[at + name.length] === COLON;
}

/** Whether `bytes` has `text`, which is given in lower case, at `at`. Case does not count. */
export function isAt(text: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[at + i] as number;
    if (byte !== text[i] && ((byte | LOWER) !== text[i] || byte < UPPER_A)) return false;
  }
  return true;
}

export function isExactlyAt(text: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text[i]) return false;
  }
  return true;
}
