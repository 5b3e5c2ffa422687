import { describe, expect, test } from "bun:test";
import { Cursor, writeVarint } from "../../../src/servers/spop/cursor.ts";
import { varint } from "../../support/spop.ts";

/** The bounds of SPOE.txt's table of lengths, and the bytes that HAProxy 2.6 sent for 16 380 (`fcf006`). */
const VARINTS: readonly (readonly [value: number, hex: string])[] = [
  [0, "00"],
  [1, "01"],
  [239, "ef"],
  [240, "f000"],
  [241, "f100"],
  [255, "ff00"],
  [256, "f001"],
  [2_287, "ff7f"],
  [2_288, "f08000"],
  [16_380, "fcf006"],
  [264_431, "ffff7f"],
  [264_432, "f0808000"],
  [33_818_863, "ffffff7f"],
  [33_818_864, "f080808000"],
  [4_294_967_295, "fff0fefe7e"],
  [4_328_786_159, "ffffffff7f"],
  [4_328_786_160, "f08080808000"],
];

function cursorOn(bytes: Uint8Array): Cursor {
  const cursor = new Cursor();
  cursor.move(bytes, 0, bytes.length);
  return cursor;
}

describe("a varint", () => {
  test.each(VARINTS)("of %p is %p, read and written", (value, hex) => {
    const cursor = cursorOn(Buffer.from(hex, "hex"));
    expect(cursor.varint()).toBe(value);
    expect({ hasMore: cursor.hasMore, isBroken: cursor.isBroken }).toEqual({
      hasMore: false,
      isBroken: false,
    });
    const out = Buffer.alloc(10);
    expect(out.toString("hex", 0, writeVarint(out, 0, value))).toBe(hex);
  });

  test("reads back as it was written, in all its lengths", () => {
    const out = Buffer.alloc(10);
    for (let value = 0; value < 2 ** 52; value = Math.ceil(value * 1.01) + 1) {
      const end = writeVarint(out, 0, value);
      expect(out.toString("hex", 0, end)).toBe(varint(value).toString("hex"));
      expect(cursorOn(out.subarray(0, end)).varint()).toBe(value);
    }
  });

  test.each(VARINTS.filter(([, hex]) => hex.length > 2))("of %p that is cut breaks the cursor", (_, hex) => {
    for (let length = 0; length < hex.length; length += 2) {
      const cursor = cursorOn(Buffer.from(hex.slice(0, length), "hex"));
      expect([cursor.varint(), cursor.isBroken, cursor.hasMore]).toEqual([0, true, false]);
    }
  });

  test("without an end breaks the cursor", () => {
    const cursor = cursorOn(Buffer.alloc(100, 0xff));
    expect([cursor.varint(), cursor.isBroken, cursor.hasMore]).toEqual([0, true, false]);
  });
});

describe("a cursor", () => {
  test("skips bytes that are there, and breaks if they are not", () => {
    const cursor = cursorOn(Buffer.from("abcd"));
    expect([cursor.skip(3), cursor.at]).toEqual([0, 3]);
    expect(cursor.text(0, 3)).toBe("abc");
    cursor.skip(2);
    expect([cursor.isBroken, cursor.hasMore, cursor.byte()]).toEqual([true, false, 0]);
  });

  test("does not read past its end, even if there are bytes", () => {
    const cursor = new Cursor();
    cursor.move(Buffer.from("abcd"), 1, 2);
    expect(cursor.byte()).toBe(0x62);
    cursor.byte();
    expect(cursor.isBroken).toBe(true);
  });

  test("can be moved after it broke", () => {
    const cursor = cursorOn(Buffer.alloc(0));
    cursor.byte();
    cursor.move(Buffer.of(7), 0, 1);
    expect([cursor.byte(), cursor.isBroken]).toEqual([7, false]);
  });
});
