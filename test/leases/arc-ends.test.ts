import { describe, expect, test } from "bun:test";
import { covers } from "../../src/circle.ts";
import { type ArcEnds, arcEnds, spellStep } from "../../src/leases/arc-ends.ts";
import { Random } from "../support/random.ts";

const STEPS = 10n ** 18n;

/** The comparison of HAProxy's configuration, which compares texts byte by byte. */
function isIn(assignment: string, { from, to, around }: ArcEnds): boolean {
  return (from <= assignment && assignment < to) || assignment < around;
}

describe("MAP-1: the ends of an arc", () => {
  test.each([
    [0, 0, "0", "0", "0"],
    [0, 1, "0", "1", "0"],
    [0.9, 1, "0", "1", "0"],
    [0, 0.001, "0", "0.001", "0"],
    [0, 0.01, "0", "0.01", "0"],
    [0, 1e-18, "0", "0.000000000000000001", "0"],
    [0, 5e-324, "0", "0.000000000000000001", "0"],
  ])("from %p of length %p", (offset, rollout, from, to, around) => {
    const ends = arcEnds(offset, rollout);
    expect(Math.abs(Number(ends.to) - Number(to))).toBeLessThan(1e-17);
    expect({ from: ends.from, around: ends.around }).toEqual({ from, around });
  });

  test("go around the circle", () => {
    const ends = arcEnds(0.9, 0.25);
    expect(ends.to).toBe("1");
    expect(["0", "0.0", "0.1499999", "0.9", "0.90", "0.99999999999999"].map((u) => isIn(u, ends))).toEqual(
      Array.from({ length: 6 }, () => true),
    );
    expect(["0.1500001", "0.5", "0.8999999"].map((u) => isIn(u, ends))).toEqual([false, false, false]);
  });

  test("have no zeros at their end, so that texts compare as numbers do", () => {
    expect([0n, 1n, 10n, STEPS / 4n, STEPS - 1n, STEPS].map(spellStep)).toEqual([
      "0",
      "0.000000000000000001",
      "0.00000000000000001",
      "0.25",
      "0.999999999999999999",
      "1",
    ]);
  });
});

describe("MAP-2: each number of up to 18 decimals is placed as the daemon places it", () => {
  test("near the ends of random arcs, step by step, and elsewhere, however many zeros follow", () => {
    const random = new Random();
    const rollouts = () =>
      random.pick([0, 0.001, 0.1, 0.25, 1 / 3, 0.5, 0.999, 1 - 2 ** -53, random.fraction()]);
    const offsets = () => random.pick([0, 0.1, 0.5, 0.9, 1 - 2 ** -53, 2 ** -60, random.fraction()]);
    const stepOf = (text: string) => (text === "1" ? STEPS : BigInt(text.slice(2).padEnd(18, "0")));
    for (let round = 0; round < 300; round++) {
      const [offset, rollout] = [offsets(), rollouts()];
      const ends = arcEnds(offset, rollout);
      const near = [ends.from, ends.to, ends.around].flatMap((end) =>
        [-200n, -100n, -20n, -2n, -1n, 0n, 1n, 2n, 20n, 100n, 200n].map((by) => stepOf(end) + by),
      );
      const elsewhere = Array.from({ length: 20 }, () => BigInt(random.whole(0, 2 ** 50)) * 800n);
      for (const step of [...near, ...elsewhere].map((step) => (step + STEPS) % STEPS)) {
        const shortest = spellStep(step);
        const padded = `0.${step.toString().padStart(18, "0")}`;
        for (const assignment of [shortest, padded]) {
          const wanted = covers(offset, rollout, Number(assignment));
          expect({ offset, rollout, assignment, isIn: isIn(assignment, ends) }).toEqual({
            ...{ offset, rollout, assignment, isIn: wanted },
          });
        }
      }
    }
  });

  test("the shortest spelling of a number from 0.01 on has at most 18 decimals", () => {
    const random = new Random();
    for (let round = 0; round < 2_000; round++) {
      expect(String(0.01 + 0.99 * random.fraction()).length - 2).toBeLessThanOrEqual(18);
    }
  });
});
