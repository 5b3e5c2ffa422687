/**
 * Walks over the fields of a message of protobuf. It keeps views of the bytes and copies nothing. If the
 * bytes are cut or malformed, the walk ends, and `isBroken` says so. It never throws.
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const TEXT = new TextDecoder();

export class Wire {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #begin: number;
  #at: number;
  readonly #end: number;
  /** The number of the current field, from 1. */
  field = 0;
  /** The value of a field of numbers. Beyond 2^53 it is rounded. */
  number = 0;
  /** The same bytes as a double, for a field of 64 bits. */
  double = 0;
  isBroken = false;
  #start = 0;
  #length = 0;
  #isText = false;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#begin = start;
    this.#at = start;
    this.#end = end;
  }

  /** Bytes of the whole message. */
  get length(): number {
    return this.#end - this.#begin;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.isBroken || this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#isText = false;
    if (this.field === 0) return this.#broken();
    switch (tag % 8) {
      case VARINT:
        this.number = this.#varint();
        break;
      case FIXED64:
        if (this.#at + 8 > this.#end) return this.#broken();
        this.number = Number(this.#view.getBigUint64(this.#at, true));
        this.double = this.#view.getFloat64(this.#at, true);
        this.#at += 8;
        break;
      case LENGTH:
        this.#length = this.#varint();
        // With a length below 0, the walk would go back, and never end.
        if (this.#length < 0) return this.#broken();
        this.#start = this.#at;
        this.#at += this.#length;
        this.#isText = true;
        break;
      case FIXED32:
        this.#at += 4;
        break;
      default:
        return this.#broken();
    }
    return this.#at <= this.#end ? !this.isBroken : this.#broken();
  }

  /** The text of the current field; empty if it is a number. */
  get text(): string {
    if (!this.#isText) return "";
    return TEXT.decode(this.#bytes.subarray(this.#start, this.#start + this.#length));
  }

  /** The message in the current field; without fields if it is a number. */
  get message(): Wire {
    return new Wire(this.#bytes, this.#start, this.#isText ? this.#start + this.#length : this.#start);
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; this.#at < this.#end && factor < 2 ** 70; factor *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * factor;
      // A negative number has the bits of 2^64 less its amount.
      if (byte < 128) return value >= 2 ** 63 ? value - 2 ** 64 : value;
    }
    this.isBroken = true;
    return 0;
  }

  #broken(): false {
    this.isBroken = true;
    return false;
  }
}
