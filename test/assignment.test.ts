import { describe, expect, test } from "bun:test";
import { assignmentOfKey, assignmentOfText, drawAssignment, parseAssignment } from "../src/assignment.ts";
import { processorMs } from "./support/processor.ts";
import { holds, type Random } from "./support/random.ts";
import { xxh64 } from "./support/xxh64.ts";

/** Parses `text` inside a larger buffer, as it comes over the wire. */
function parse(text: string): number {
  const bytes = Buffer.from(`9${text}9`, "latin1");
  return parseAssignment(bytes, 1, bytes.length - 1);
}

/** A decimal number in one of its spellings, mostly but not always under 1. */
function spelling(random: Random): string {
  const digits = random.digits(random.whole(1, random.pick([3, 15, 16, 17, 40])));
  const sign = random.pick(["", "", "", "+"]);
  const exponent = random.pick(["", "", "", `e-${random.whole(0, 330)}`, `E+${random.whole(0, 3)}`, "e0"]);
  const whole = random.pick(["0", "0", "0", "00", "", random.digits(2)]);
  return `${sign}${whole}${random.pick([".", ".", "."])}${digits}${exponent}`;
}

describe("parseAssignment", () => {
  test("equals Number() on every decimal spelling under 1, and is NaN from 1 on", () => {
    holds(150_000, (random) => {
      const text = spelling(random);
      const value = Number(text);
      const parsed = parse(text);
      if (!Object.is(parsed, value < 1 ? value : Number.NaN)) throw new Error(`${text}: ${parsed}`);
    });
  });

  test("equals Number() near the limit of the fast path, at 14 to 17 decimals", () => {
    holds(100_000, (random) => {
      const text = `0.${random.digits(random.whole(14, 17))}`;
      if (parse(text) !== Number(text)) throw new Error(`${text}: ${parse(text)}`);
    });
  });

  test.each(["0", "0.", ".5", "0.0", "+0.5", "00.5", "1e-7", "5E-1", "0.000000000000000", "1e-400", "9e-1"])(
    "takes %p",
    (text) => {
      expect(parse(text)).toBe(Number(text));
    },
  );

  test.each([
    ...[
      "",
      ".",
      "+",
      "-",
      "-0",
      "-0.0",
      "-0.5",
      "1",
      "1.0",
      "2",
      "1e0",
      "1e400",
      "0.99999999999999999999",
      "NaN",
    ],
    ...[
      "Infinity",
      "0x0",
      "0b1",
      "0o1",
      "0_1",
      "0,5",
      "0.5 ",
      " 0.5",
      "0.5\r",
      "0.5\t",
      "0.5\0",
      "0.5.",
      "0..5",
    ],
    ...[
      "0.5e",
      "0.5e+",
      "e-1",
      ".e1",
      "0.5n",
      "0.5f",
      "\xa00.5",
      "0.5\xa0",
      "++0.5",
      "0.5\n",
      "\xb2",
      "0.\xb2",
    ],
  ])("is NaN for %p", (text) => {
    expect(parse(text)).toBeNaN();
    expect(assignmentOfText(text)).toBeNaN();
  });

  test("is a number in [0, 1) or NaN, for any bytes", () => {
    const alphabet = "0123456789.eE+- \0\r\xff";
    holds(100_000, (random) => {
      let text = "";
      for (let length = random.whole(0, 12); length > 0; length--) text += random.pick([...alphabet]);
      const value = parse(text);
      if (!(Number.isNaN(value) || (value >= 0 && value < 1)))
        throw new Error(`${JSON.stringify(text)}: ${value}`);
    });
  });

  test("is fast with a line full of digits", () => {
    const text = `0.${"9".repeat(8_000)}x`;
    const startedAtMs = processorMs();
    for (let i = 0; i < 100; i++) parse(text);
    expect(processorMs() - startedAtMs).toBeLessThan(1_000);
  });
});

describe("drawAssignment", () => {
  test.each([0, 0.25, 0.5, 1 - 2 ** -53])("of %p is in [0, 1)", (random) => {
    const drawn = drawAssignment(random);
    expect(drawn).toBeGreaterThanOrEqual(0);
    expect(drawn).toBeLessThan(1);
    expect(Math.abs(drawn - random)).toBeLessThan(2e-15);
  });

  test("is spelled in at most 17 characters that read back as the same number", () => {
    holds(100_000, (random) => {
      const drawn = drawAssignment(random.fraction());
      const text = String(drawn);
      if (text.length > 17 || parse(text) !== drawn) throw new Error(text);
    });
  });

  test("fills ten equal parts of the circle equally", () => {
    const counts = new Array<number>(10).fill(0);
    holds(100_000, (random) => {
      const part = Math.floor(drawAssignment(random.fraction()) * 10);
      counts[part] = (counts[part] as number) + 1;
    });
    // Six standard deviations of a binomial of 100 000 at a tenth: 6 × 95.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(570);
  });
});

describe("assignmentOfKey", () => {
  /** Made with the Python binding of the reference implementation: xxhash.xxh64(key, seed=0). */
  const VECTORS: readonly [key: string, hash: bigint, assignment: number][] = [
    ["", 0xef46db3751d8e999n, 0.9346749315317059],
    ["a", 0xd24ec4f1a98c6e5bn, 0.8215144243236395],
    ["abc", 0x44bc2cf5ad770999n, 0.2684963321493933],
    ["user-1", 0xa173746b114c6be8n, 0.6306679498095932],
    ["user@example.com", 0xe92a4a9e39fe3d60n, 0.9108015667243244],
    ["é", 0x17d757dfb8b46f78n, 0.09312962734175445],
    ["日本語", 0x7179a19f3719f5e1n, 0.44326219689455804],
    ["0123456789abcdef0123456789abcdef", 0x642a94958e71e6c5n, 0.3912747254493705],
    ["x".repeat(100), 0x92f0de5a88a3c094n, 0.5739878626851711],
  ];

  test.each(VECTORS)("of %p agrees with the reference implementation", (key, hash, assignment) => {
    expect(assignmentOfKey(key)).toBe(assignment);
    expect(xxh64(Buffer.from(key))).toBe(hash);
  });

  test("is the top 53 bits of XXH64 over 2^53, for keys of every length", () => {
    holds(2_000, (random) => {
      let key = "";
      for (let length = random.whole(0, 100); length > 0; length--)
        key += random.pick(["a", "7", "-", "é", "語", "𝄞"]);
      const expected = Number(xxh64(Buffer.from(key)) >> 11n) / 2 ** 53;
      if (assignmentOfKey(key) !== expected) throw new Error(key);
    });
  });
});
