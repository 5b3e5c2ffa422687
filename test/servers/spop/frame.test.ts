import { describe, expect, test } from "bun:test";
import { Cursor } from "../../../src/servers/spop/cursor.ts";
import {
  disconnectFrame,
  emptyFrameHead,
  FRAME,
  type Hello,
  helloFrame,
  LENGTH_BYTES,
  readFrameHead,
  readHello,
  readLength,
  STATUS,
  type Status,
} from "../../../src/servers/spop/frame.ts";
import { frame, type Pairs, pairs, readAnswer } from "../../support/spop.ts";

/** Recorded from HAProxy 2.6.12: the HELLO of a health check, and of a connection. */
const HEALTH_CHECK =
  "0000004e0100000001000012737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d652d73697a6503fcf0060c63617061" +
  "62696c697469657308000b6865616c7468636865636b11";
const HELLO =
  "0000007b0100000001000012737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d652d73697a6503fcf0060c63617061" +
  "62696c6974696573080a706970656c696e696e6709656e67696e652d6964082464613734343437392d386437362d346166382d626631332d326431" +
  "383261326133326638";

function helloOf(bytes: Uint8Array): Hello | Status {
  const cursor = new Cursor();
  cursor.move(bytes, LENGTH_BYTES, bytes.length);
  const head = emptyFrameHead();
  readFrameHead(cursor, head);
  expect(head).toMatchObject({ type: FRAME.haproxyHello, isWhole: true });
  return readHello(cursor);
}

describe("HAPROXY-HELLO", () => {
  test.each([
    ["a connection", HELLO, false],
    ["a health check", HEALTH_CHECK, true],
  ])("as HAProxy sends it for %s", (_, hex, isHealthCheck) => {
    const bytes = Buffer.from(hex, "hex");
    expect(readLength(bytes, 0)).toBe(bytes.length - LENGTH_BYTES);
    expect(helloOf(bytes)).toEqual({ isHealthCheck, frameBytesMax: 16_380 });
  });

  const CASES: readonly (readonly [what: string, changed: Pairs, expected: Hello | Status])[] = [
    [
      "another order, and more pairs",
      [
        ["engine-id", "x"],
        ["more", Buffer.from("067f000001", "hex")],
      ],
      { isHealthCheck: false, frameBytesMax: 16_380 },
    ],
    [
      "several versions",
      [["supported-versions", "3.1, 2.4 ,1.0"]],
      { isHealthCheck: false, frameBytesMax: 16_380 },
    ],
    ["huge frames", [["max-frame-size", 4_294_967_295]], { isHealthCheck: false, frameBytesMax: 65_536 }],
    ["small frames", [["max-frame-size", 256]], { isHealthCheck: false, frameBytesMax: 256 }],
    ["no capability", [["capabilities", ""]], { isHealthCheck: false, frameBytesMax: 16_380 }],
    ["no health check", [["healthcheck", false]], { isHealthCheck: false, frameBytesMax: 16_380 }],
    ["an older version", [["supported-versions", "1.0"]], STATUS.unsupportedVersion],
    ["a version of the wrong type", [["supported-versions", 2]], STATUS.noVersion],
    ["frames that are too small", [["max-frame-size", 255]], STATUS.badFrameSize],
    ["a size that is text", [["max-frame-size", "16380"]], STATUS.noFrameSize],
    ["capabilities that are NULL", [["capabilities", null]], STATUS.noCapabilities],
    ["a value of an unknown type", [["x", Buffer.of(15)]], STATUS.invalid],
  ];
  test.each(CASES)("SPOP-6: with %s", (_, changed, expected) => {
    const values = new Map<string, Pairs[number][1]>([
      ["capabilities", "pipelining,async"],
      ["max-frame-size", 16_380],
      ["supported-versions", "2.0"],
      ...changed,
    ]);
    expect(helloOf(frame(1, pairs([...values])))).toEqual(expected);
  });

  test.each([
    ["supported-versions", STATUS.noVersion],
    ["max-frame-size", STATUS.noFrameSize],
    ["capabilities", STATUS.noCapabilities],
  ])("SPOP-6: without %s", (left, expected) => {
    const values: Pairs = [
      ["supported-versions", "2.0"],
      ["max-frame-size", 16_380],
      ["capabilities", ""],
    ];
    expect(helloOf(frame(1, pairs(values.filter(([name]) => name !== left))))).toEqual(expected);
  });

  test("that is cut within a pair is invalid", () => {
    const values: Pairs = [
      ["supported-versions", "2.0"],
      ["max-frame-size", 16_380],
      ["capabilities", "pipelining"],
    ];
    const HEAD_BYTES = 11;
    const ends = values.map((_, count) => HEAD_BYTES + pairs(values.slice(0, count)).length);
    const bytes = frame(1, pairs(values));
    const invalid: number[] = [];
    for (let length = HEAD_BYTES; length < bytes.length; length++) {
      if (helloOf(bytes.subarray(0, length)) === STATUS.invalid) invalid.push(length);
    }
    const within = Array.from({ length: bytes.length - HEAD_BYTES }, (_, index) => HEAD_BYTES + index);
    expect(invalid).toEqual(within.filter((length) => !ends.includes(length)));
  });
});

describe("answers", () => {
  test("SPOP-6: AGENT-HELLO has the bytes that HAProxy 2.6 accepted", () => {
    expect(helloFrame({ isHealthCheck: false, frameBytesMax: 16_380 }).toString("hex")).toBe(
      "00000040650000000100000776657273696f6e0803322e300e6d61782d6672616d652d73697a6503fcf0060c6361706162696c6974696573080a" +
        "706970656c696e696e67",
    );
  });

  test.each(Object.values(STATUS))("SPOP-9: AGENT-DISCONNECT says %p", (status) => {
    const bytes = disconnectFrame(status);
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - 4);
    expect(bytes.length).toBeLessThan(256);
    const { type, values } = readAnswer(bytes.subarray(4));
    expect({ type, values }).toEqual({
      type: 102,
      values: { "status-code": status.code, message: status.text },
    });
  });
});

test("a length is unsigned and has four bytes", () => {
  expect(readLength(Buffer.from("ffffffff", "hex"), 0)).toBe(4_294_967_295);
  expect(readLength(Buffer.from("0080000001", "hex"), 1)).toBe(2_147_483_649);
});
