/**
 * Reads the bytes of SPOP (docs/protocol/spop.md) from left to right, and never past the end. If a value is
 * missing or impossible, the cursor breaks and has no bytes left. So a reader needs only one check, at its
 * end.
 *
 * One cursor reads all frames of a listener: it is moved, so none is allocated for a frame.
 */

/** The bytes of the longest varint of 64 bits. */
const VARINT_BYTES_MAX = 10;

/**
 * If the first byte is at least 240, more bytes follow. Behind it, more follow while a byte has its highest
 * bit.
 */
const MORE_AFTER_FIRST = 240;
const MORE = 128;

export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  /** A value was missing or impossible. */
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

  /** The next byte. If there is none, breaks and returns 0. */
  byte(): number {
    if (this.at >= this.end) return this.break();
    return this.bytes[this.at++] as number;
  }

  /**
   * The next integer of variable length, in the encoding of HAProxy's peers protocol: 4 bits of the first
   * byte, then 7 bits of each byte, lowest first. From each part is subtracted what a shorter spelling could
   * express. Exact up to 2^53.
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

  /** Skips `length` bytes; returns the position of the first one. */
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

  /** Marks the cursor as broken. No bytes are left after that. */
  break(): 0 {
    this.isBroken = true;
    this.at = this.end;
    return 0;
  }
}

/** Writes `value`, at most 2^53, at `out[at]`; returns the position for the next byte. */
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
