import { expect, test } from "bun:test";
import { Wire } from "../../../src/intake/otlp/wire.ts";

test("a length that lies ends the walk", () => {
  // 4 096 bytes, and behind them a field whose length is 2 ** 64 - 2 048.
  const negative = [0x0a, 0x80, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
  const bytes = Uint8Array.from([
    0x0a,
    0x80,
    0x20,
    ...new Uint8Array(4_096),
    ...negative,
    ...new Uint8Array(4_096),
  ]);
  for (const [one, steps] of [
    [bytes, 1],
    [Uint8Array.from(negative), 0],
    [Uint8Array.of(0x0a, 0x7f, 1, 2), 0],
    [Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1), 0],
  ] as const) {
    const wire = new Wire(one);
    let count = 0;
    while (wire.next() && count < 10) count++;
    expect([count, wire.isBroken]).toEqual([steps, true]);
  }
});
