import { describe, expect, test } from "bun:test";
import { covers } from "../../../src/rollout.ts";
import { assignmentOf, STEPS, scaleArc } from "../../../src/servers/haproxy/scaled-arc.ts";
import { Random } from "../../support/random.ts";

/** What HAProxy's configuration computes. */
function isIn(step: bigint, { start, length }: ReturnType<typeof scaleArc>): boolean {
  return (step + STEPS - start) % STEPS < length;
}

describe("MAP-1: an arc in steps", () => {
  test.each([
    [0, 0, 0n, 0n],
    [0, 1, 0n, STEPS],
    [0.9, 1, 0n, STEPS],
    [0, 0.001, 0n, 1_000_000_000_000_000n],
    [0, 1e-18, 0n, 1n],
    [0, 5e-324, 0n, 1n],
  ])("from %p of length %p", (offset, rollout, start, length) => {
    expect(scaleArc(offset, rollout)).toEqual({ start, length });
  });

  test("goes around the circle", () => {
    const arc = scaleArc(0.9, 0.25);
    expect(isIn(STEPS - 1n, arc)).toBe(true);
    expect(isIn(0n, arc)).toBe(true);
    expect(isIn(149_999_999_999_999_000n, arc)).toBe(true);
    expect(isIn(150_000_000_000_001_000n, arc)).toBe(false);
    expect(isIn(899_999_999_999_999_000n, arc)).toBe(false);
  });
});

describe("MAP-2: each step is placed as the daemon places its number", () => {
  test("around both ends of random arcs, step by step, and elsewhere", () => {
    const random = new Random();
    const rollouts = () =>
      random.pick([0, 0.001, 0.1, 0.25, 1 / 3, 0.5, 0.999, 1 - 2 ** -53, random.fraction()]);
    const offsets = () => random.pick([0, 0.1, 0.5, 0.9, 1 - 2 ** -53, 2 ** -60, random.fraction()]);
    for (let round = 0; round < 300; round++) {
      const [offset, rollout] = [offsets(), rollouts()];
      const arc = scaleArc(offset, rollout);
      const ends = [0n, arc.start, arc.start + arc.length];
      const near = ends.flatMap((end) =>
        [-200n, -100n, -20n, -2n, -1n, 0n, 1n, 2n, 20n, 100n, 200n].map((by) => end + by),
      );
      const elsewhere = Array.from({ length: 20 }, () => BigInt(random.whole(0, 2 ** 50)) * 800n);
      for (const step of [...near, ...elsewhere].map((step) => (step + STEPS) % STEPS)) {
        const wanted = covers(offset, rollout, assignmentOf(step));
        expect({ offset, rollout, step, isIn: isIn(step, arc) }).toEqual({
          offset,
          rollout,
          step,
          isIn: wanted,
        });
      }
    }
  });

  test("numbers as the daemon draws and derives them have no more decimals than steps, from 0.01 on", () => {
    const random = new Random();
    for (let round = 0; round < 2_000; round++) {
      const text = String(0.01 + 0.99 * random.fraction());
      expect(text.length - 2).toBeLessThanOrEqual(18);
      const step = BigInt(text.slice(2).padEnd(18, "0"));
      expect(assignmentOf(step)).toBe(Number(text));
    }
  });
});
