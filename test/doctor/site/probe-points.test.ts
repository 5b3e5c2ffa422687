import { describe, expect, test } from "bun:test";
import { MASTER } from "../../../src/circle.ts";
import { locationOf, pointsAt, probePoints, servedArcs } from "../../../src/doctor/site/probe-points.ts";
import { Random } from "../../support/random.ts";

const random = new Random();
const draw = () => random.fraction();

const arc = (version: string, rollout: number, offset = 0) => ({ version, rollout, offset });

describe("visitors to probe with", () => {
  test.each([
    [[arc("canary", 0.25)]],
    [[arc("canary", 0.25, 0.9)]],
    [[arc("canary", 0.001), arc("blue", 0.3, 0.6)]],
    [[arc("canary", 1)]],
    [[]],
  ])("lie on both sides of every edge, all around the circle, and no two are equal: %j", (arcs) => {
    const points = probePoints(arcs, 200, draw);
    expect(points.length).toBe(200);
    expect(new Set(points).size).toBe(200);
    for (const point of points) {
      expect(point).toMatch(/^0(\.\d{1,15})?$/);
      expect(Number(point)).toBeLessThan(1);
    }
    for (const { offset, rollout } of arcs) {
      if (rollout === 1) continue;
      for (const edge of [offset, (offset + rollout) % 1]) {
        const sides = points.filter((point) => {
          const distance = Math.abs(Number(point) - edge);
          return Math.min(distance, 1 - distance) < 1e-14;
        });
        expect(new Set(sides.map((point) => locationOf(arcs, point))).size).toBe(2);
      }
    }
    const tenths = new Set(points.map((point) => Math.floor(Number(point) * 10)));
    expect(tenths.size).toBe(10);
  });

  test("of a location are as many as wanted, even for a short arc, and none for a location without visitors", () => {
    const arcs = [arc("canary", 1e-6, 0.999_999_9), arc("blue", 0.5, 0.2)];
    for (const location of ["canary", "blue", MASTER]) {
      const points = pointsAt(arcs, location, 10, draw);
      expect(points.length).toBe(10);
      for (const point of points) expect(locationOf(arcs, point)).toBe(location);
    }
    expect(pointsAt([arc("canary", 1)], MASTER, 10, draw)).toEqual([]);
    expect(pointsAt([], "canary", 10, draw)).toEqual([]);
  });

  test("never lie in maintenance or in arcs without length", () => {
    expect(servedArcs([arc("canary", 0), arc("maintenance", 1), arc("blue", 0.1)])).toEqual([
      arc("blue", 0.1),
    ]);
  });
});
