/**
 * The typed data of SPOP (SPOE.txt of HAProxy, section 3.1). The first byte has the type in its lower half
 * and flags in its upper half. The value follows, in the form of its type.
 */

import { type Cursor, writeVarint } from "./cursor.ts";

export const TYPE = {
  null: 0,
  boolean: 1,
  int32: 2,
  uint32: 3,
  int64: 4,
  uint64: 5,
  ipv4: 6,
  ipv6: 7,
  string: 8,
  binary: 9,
} as const;

const TYPE_MASK = 0x0f;
const TRUE = 0x10;

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** One value. One object serves all values of a listener; `readValue` fills it in. */
export interface Value {
  /** One of `TYPE`. */
  type: number;
  /** The value of an integer, or of a boolean: 0 or 1. A negative integer comes as its two's complement. */
  number: number;
  /** The position of the bytes of a string, a binary or an address. */
  start: number;
  end: number;
}

export function emptyValue(): Value {
  return { type: TYPE.null, number: 0, start: 0, end: 0 };
}

/** Reads the next value. An unknown type breaks the cursor, because its length is unknown too. */
export function readValue(cursor: Cursor, value: Value): void {
  const byte = cursor.byte();
  value.type = byte & TYPE_MASK;
  value.number = 0;
  value.start = cursor.at;
  switch (value.type) {
    case TYPE.null:
      break;
    case TYPE.boolean:
      value.number = (byte & TRUE) === 0 ? 0 : 1;
      break;
    case TYPE.int32:
    case TYPE.uint32:
    case TYPE.int64:
    case TYPE.uint64:
      value.number = cursor.varint();
      break;
    case TYPE.ipv4:
      cursor.skip(IPV4_BYTES);
      break;
    case TYPE.ipv6:
      cursor.skip(IPV6_BYTES);
      break;
    case TYPE.string:
    case TYPE.binary: {
      const length = cursor.varint();
      value.start = cursor.skip(length);
      break;
    }
    default:
      cursor.break();
  }
  value.end = cursor.at;
}

/** Whether a value is text. Binary counts as text, because HAProxy sends some texts as binary. */
export function isText({ type }: Readonly<Value>): boolean {
  return type === TYPE.string || type === TYPE.binary;
}

/** Writes a name, which is a string without its type, in Latin-1; returns the position for the next byte. */
export function writeName(out: Buffer, at: number, name: string): number {
  const next = writeVarint(out, at, name.length);
  return next + out.write(name, next, "latin1");
}

/** Writes a string, in Latin-1; returns the position for the next byte. */
export function writeString(out: Buffer, at: number, text: string): number {
  out[at] = TYPE.string;
  return writeName(out, at + 1, text);
}

/** Writes an unsigned integer of 32 bits; returns the position for the next byte. */
export function writeUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = TYPE.uint32;
  return writeVarint(out, at + 1, value);
}
