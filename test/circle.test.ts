import { describe, expect, test } from "bun:test";
import { type Arc, byPrecedence, covers } from "../src/circle.ts";
import { awkward, holds, type Random } from "./support/random.ts";
import { beyondArc, HALF_ULP_OF_ONE, neighbours } from "./support/rational.ts";

function arc(version: string, rollout: number): Arc {
  return { version, rollout, offset: 0, failsafe: "master" };
}

describe("covers", () => {
  test("agrees with exact arithmetic if the distance to the arc's end is more than its rounding error", () => {
    let decided = 0;
    holds(40_000, (random) => {
      const offset = awkward(random);
      const rollout = random.pick([awkward(random), awkward(random), 1, 0]);
      const ends = [offset, (offset + rollout) % 1].flatMap((end) => [
        end,
        ...(end > 0 ? neighbours(end) : []),
      ]);
      for (const assignment of [awkward(random), ...ends].filter((value) => value >= 0 && value < 1)) {
        const beyond = beyondArc(offset, rollout, assignment);
        const magnitude = beyond < 0n ? -beyond : beyond;
        if (rollout !== 1 && magnitude <= HALF_ULP_OF_ONE) continue;
        decided++;
        if (covers(offset, rollout, assignment) !== beyond < 0n) {
          throw new Error(`covers(${offset}, ${rollout}, ${assignment})`);
        }
      }
    });
    expect(decided).toBeGreaterThan(120_000);
  });

  test("always agrees with exact arithmetic on the grid of 2^-53", () => {
    const grid = (random: Random) => Math.floor(random.fraction() * 2 ** 53) / 2 ** 53;
    holds(100_000, (random) => {
      const offset = grid(random);
      const rollout = grid(random);
      const step = random.pick([-1, 0, 1]) * 2 ** -53;
      const edge = random.pick([offset, offset + rollout, random.fraction()]) + step;
      const assignment = edge < 0 ? edge + 1 : edge % 1;
      if (covers(offset, rollout, assignment) !== beyondArc(offset, rollout, assignment) < 0n) {
        throw new Error(`covers(${offset}, ${rollout}, ${assignment})`);
      }
    });
  });

  test("is assignment < rollout, bit for bit, at offset 0", () => {
    holds(100_000, (random) => {
      const rollout = awkward(random);
      for (const assignment of [awkward(random), rollout, ...(rollout > 0 ? neighbours(rollout) : [])]) {
        if (assignment < 1 && covers(0, rollout, assignment) !== assignment < rollout) {
          throw new Error(`covers(0, ${rollout}, ${assignment})`);
        }
      }
    });
  });

  test("a whole circle has all visitors, and an arc of length 0 has none, for any offset", () => {
    holds(100_000, (random) => {
      const offset = awkward(random);
      for (const assignment of [awkward(random), offset, ...(offset > 0 ? neighbours(offset) : [])]) {
        if (assignment >= 1) continue;
        if (!covers(offset, 1, assignment) || covers(offset, 0, assignment))
          throw new Error(`${offset} ${assignment}`);
      }
    });
  });

  test.each([
    [0.9, 0.2, 0.9, true],
    [0.9, 0.2, 0.999, true],
    [0.9, 0.2, 0, true],
    [0.9, 0.2, 0.0999, true],
    [0.9, 0.2, 0.1001, false],
    [0.9, 0.2, 0.8999, false],
    [0.75, 0.5, 0.25, false],
    [0.75, 0.5, 0.2499999999999999, true],
  ])("wraps around: offset %p, rollout %p, assignment %p: %p", (offset, rollout, assignment, expected) => {
    expect(covers(offset, rollout, assignment)).toBe(expected);
  });

  test("is monotone: a visitor in an arc is in every longer arc with the same start", () => {
    holds(100_000, (random) => {
      const offset = awkward(random);
      const assignment = random.pick([awkward(random), offset]);
      const [shorter, longer] = [awkward(random), random.pick([awkward(random), 1])].sort(
        (a, b) => a - b,
      ) as [number, number];
      if (covers(offset, shorter, assignment) && !covers(offset, longer, assignment)) {
        throw new Error(`${assignment} was in ${shorter}@${offset} and is not in ${longer}@${offset}`);
      }
    });
  });

  test("is monotone in the order of joining: visitors that joined last leave first", () => {
    holds(500, (random) => {
      const offset = awkward(random);
      const visitors = Array.from({ length: 40 }, () => random.fraction());
      const inside = (rollout: number) => visitors.filter((visitor) => covers(offset, rollout, visitor));
      const steps = Array.from({ length: 10 }, () => random.fraction()).sort((a, b) => a - b);
      const growing = steps.map((step) => inside(step).join());
      const shrinking = steps.reverse().map((step) => inside(step).join());
      if (growing.reverse().join("|") !== shrinking.join("|")) throw new Error(`offset ${offset}`);
    });
  });
});

test("canary comes before all other versions, and the others are in order of their names", () => {
  const arcs = ["zeta", "b", "canary", "A", "a"].map((name) => arc(name, 0.1));
  expect(arcs.sort(byPrecedence).map((arc) => arc.version)).toEqual(["canary", "A", "a", "b", "zeta"]);
});
