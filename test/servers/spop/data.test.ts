import { expect, test } from "bun:test";
import { Cursor } from "../../../src/servers/spop/cursor.ts";
import { emptyValue, readValue, TYPE } from "../../../src/servers/spop/data.ts";

/** Each type of SPOE.txt, section 3.1. The first byte has the flags in its upper half. */
const VALUES: readonly (readonly [hex: string, type: number, number: number, text: string])[] = [
  ["00", TYPE.null, 0, ""],
  ["f0", TYPE.null, 0, ""],
  ["01", TYPE.boolean, 0, ""],
  ["11", TYPE.boolean, 1, ""],
  ["02ef", TYPE.int32, 239, "\xef"],
  ["03fcf006", TYPE.uint32, 16_380, "\xfc\xf0\x06"],
  ["0401", TYPE.int64, 1, "\x01"],
  ["05f000", TYPE.uint64, 240, "\xf0\x00"],
  ["067f000001", TYPE.ipv4, 0, "\x7f\x00\x00\x01"],
  [`07${"00".repeat(15)}01`, TYPE.ipv6, 0, `${"\x00".repeat(15)}\x01`],
  ["0800", TYPE.string, 0, ""],
  ["0803302e31", TYPE.string, 0, "0.1"],
  ["0902ff00", TYPE.binary, 0, "\xff\x00"],
  [`08f000${"61".repeat(240)}`, TYPE.string, 0, "a".repeat(240)],
];

test.each(VALUES)("%p is read", (hex, type, number, text) => {
  const bytes = Buffer.from(`${hex}aa`, "hex");
  const cursor = new Cursor();
  cursor.move(bytes, 0, bytes.length);
  const value = emptyValue();
  readValue(cursor, value);
  expect([value.type, value.number, bytes.toString("latin1", value.start, value.end)]).toEqual([
    type,
    number,
    text,
  ]);
  expect([cursor.isBroken, cursor.byte()]).toEqual([false, 0xaa]);
});

test.each(VALUES)("%p that is cut breaks the cursor", (hex) => {
  const bytes = Buffer.from(hex, "hex");
  for (let length = 0; length < bytes.length; length++) {
    const cursor = new Cursor();
    cursor.move(bytes, 0, length);
    readValue(cursor, emptyValue());
    expect([cursor.isBroken, cursor.hasMore]).toEqual([true, false]);
  }
});

test.each([10, 11, 12, 13, 14, 15])("type %p is reserved, and breaks the cursor", (type) => {
  const cursor = new Cursor();
  cursor.move(Buffer.of(type, 0, 0), 0, 3);
  readValue(cursor, emptyValue());
  expect([cursor.isBroken, cursor.hasMore]).toEqual([true, false]);
});
