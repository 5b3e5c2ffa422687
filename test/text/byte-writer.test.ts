import { expect, test } from "bun:test";
import { ByteWriter } from "../../src/text/byte-writer.ts";

const STRINGS = [
  "",
  "website",
  'a "quoted" one',
  "back\\slash",
  "line\nfeed",
  "\u0001\u007f",
  "blåbær 🫐",
  "\ud800",
];

const NUMBERS = [
  ...[0, 7, 10, 99, 100, 123_456_789, 2 ** 31, 2 ** 32 + 1, 999_999_999_999_999, Number.MAX_SAFE_INTEGER],
  ...[-0, -1, 0.25, 0.1 + 0.2, 1e-7, 5e-324, 1e21, 2 ** 53],
];

function written(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter();
  out.text("before ");
  write(out);
  out.text(" after");
  return out.take().toString();
}

test.each(STRINGS)("the string %j is the same as in JSON.stringify", (text) => {
  const plain = text.isWellFormed() ? text : "\ufffd";
  expect(written((out) => out.string(text))).toBe(`before ${JSON.stringify(text)} after`);
  expect(written((out) => out.text(text))).toBe(`before ${plain} after`);
});

test.each(NUMBERS)("the number %p is the same as in JSON.stringify", (value) => {
  expect(written((out) => out.number(value))).toBe(`before ${JSON.stringify(value)} after`);
});

test("the room grows with a text that is longer than it", () => {
  const long = "æ".repeat(100_000);
  expect(written((out) => out.text(long))).toBe(`before ${long} after`);
  expect(written((out) => out.string(long))).toBe(`before "${long}" after`);
});

test("each taking has only the text since the last one", () => {
  const out = new ByteWriter();
  expect(out.isFull).toBeFalse();
  out.text("x".repeat(20_000));
  expect(out.isFull).toBeTrue();
  expect(out.take()).toHaveLength(20_000);
  out.text("more");
  expect(out.take().toString()).toBe("more");
  expect(out.take()).toHaveLength(0);
});
