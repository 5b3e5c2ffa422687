/**
 * Reading the bytes of SPOP (docs/protocol/spop.md), from left to right and never past the end: what is not there, or
 * cannot be, breaks the cursor, which then has nothing left. So a reader checks once, at its end.
 *
 * One cursor reads all frames of a listener; it is moved, not made.
 */

/** A varint of 64 bits takes this many bytes. */
export const VARINT_BYTES_MAX = 10;

/** A first byte from here on has more behind it; so has each later byte with its highest bit. */
const MORE_AFTER_FIRST = 240;
const MORE = 128;

export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  /** Something was not there. */
  isBroken = false;

  /** Reads `bytes[at, end)` from now on. */
  move(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.isBroken = false;
  }

  get hasMore(): boolean {
    return this.at < this.end;
  }

  /** The next byte; 0 where there is none. */
  byte(): number {
    if (this.at >= this.end) return this.break();
    return this.bytes[this.at++] as number;
  }

  /**
   * The next integer of variable length, in the encoding of HAProxy's peers: 4 bits of the first byte, then 7 of each,
   * lowest first, each part less what a shorter spelling could have said. Exact up to 2^53.
   */
  varint(): number {
    let value = this.byte();
    if (value < MORE_AFTER_FIRST) return value;
    let weight = 16;
    for (let length = 2; length <= VARINT_BYTES_MAX; length++) {
      const byte = this.byte();
      value += byte * weight;
      if (byte < MORE) return this.isBroken ? 0 : value;
      weight *= 128;
    }
    return this.break();
  }

  /** Goes over `length` bytes; returns where they begin. */
  skip(length: number): number {
    const start = this.at;
    if (length > this.end - start) return this.break();
    this.at = start + length;
    return start;
  }

  /** Whether `bytes[start, stop)` is `text`, byte for byte. */
  is(text: Uint8Array, start: number, stop: number): boolean {
    if (stop - start !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (this.bytes[start + i] !== text[i]) return false;
    return true;
  }

  /** `bytes[start, stop)` as UTF-8. */
  text(start: number, stop: number): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, stop - start).toString("utf8");
  }

  /** There is nothing left, and what was read was not all there. */
  break(): 0 {
    this.isBroken = true;
    this.at = this.end;
    return 0;
  }
}

/** Writes `value`, at most 2^53, at `out[at]`; returns where the next byte may stand. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  if (value < MORE_AFTER_FIRST) {
    out[at] = value;
    return at + 1;
  }
  let next = at;
  let rest = value - MORE_AFTER_FIRST;
  out[next++] = MORE_AFTER_FIRST + (rest % 16);
  rest = Math.floor(rest / 16);
  while (rest >= MORE) {
    rest -= MORE;
    out[next++] = MORE + (rest % 128);
    rest = Math.floor(rest / 128);
  }
  out[next++] = rest;
  return next;
}
