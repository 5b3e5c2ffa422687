/**
 * A visitor's assignment: a number in [0, 1) that the visitor keeps.
 *
 * An assignment comes from one of three places: the visitor brings it (`parseAssignment`), the daemon draws a
 * new one (`drawAssignment`), or it follows from the visitor's stable key (`assignmentOfKey`). Parsing is
 * total: any bytes give a number in [0, 1) or NaN.
 */

/** The decimal spellings of 2016 that are still accepted. No minus: it could only spell `-0`. */
const DECIMAL = /^\+?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Up to this many decimals, the digits are exact as an integer, and one division rounds correctly (Clinger
 * 1990).
 */
const EXACT_DECIMALS_MAX = 15;
const POWERS_OF_TEN = Float64Array.from({ length: EXACT_DECIMALS_MAX + 1 }, (_, power) => 10 ** power);

/** A given assignment is echoed as it was spelled unless its spelling is longer than any number needs. */
export const SPELLING_BYTES_MAX = 24;

const ZERO = 0x30;
const DOT = 0x2e;

/**
 * Reads `bytes[start, end)` as an assignment.
 *
 * @returns the number in [0, 1), or NaN if the text is not a decimal number in that range
 */
export function parseAssignment(bytes: Uint8Array, start: number, end: number): number {
  const decimals = end - start - 2;
  if (decimals > 0 && decimals <= EXACT_DECIMALS_MAX && bytes[start] === ZERO && bytes[start + 1] === DOT) {
    let mantissa = 0;
    let at = start + 2;
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      mantissa = mantissa * 10 + digit;
    }
    if (at === end) return mantissa / (POWERS_OF_TEN[decimals] as number);
  }
  return assignmentOfText(latin1(bytes, start, end));
}

/** The same as `parseAssignment`, for a string. */
export function assignmentOfText(text: string): number {
  if (!DECIMAL.test(text)) return Number.NaN;
  const value = Number(text);
  return value < 1 ? value : Number.NaN;
}

/**
 * A fresh assignment, uniform in [0, 1), in steps of 1e-15. Its spelling has at most 17 characters, and takes
 * the fast path of `parseAssignment` whenever the visitor returns.
 *
 * @param random a number in [0, 1), as `Math.random` gives
 */
export function drawAssignment(random: number): number {
  return Math.floor(random * 1e15) / 1e15;
}

/**
 * The assignment of a stable visitor id: XXH64 of its UTF-8 bytes with seed 0, top 53 bits over 2^53. Any
 * program with an XXH64 computes the same number.
 */
export function assignmentOfKey(key: string): number {
  return Number(Bun.hash.xxHash64(key, 0n) >> 11n) / 2 ** 53;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
