import { expect, test } from "bun:test";
import { type Arc, covers, findOverlap } from "../../src/circle.ts";
import { fittingOffset, newlyTaken, sharesOf } from "../../src/records/share.ts";
import { Random } from "../support/random.ts";

function arc(version: string, rollout: number, offset = 0): Arc {
  return { version, rollout, offset, failsafe: "master" };
}

test.each<[string, Arc[], Record<string, number>]>([
  ["apart", [arc("canary", 0.25), arc("blue", 0.5, 0.5)], { canary: 0.25, blue: 0.5 }],
  ["one under the other", [arc("blue", 0.1), arc("canary", 0.5)], { canary: 0.5, blue: 0 }],
  ["one around the other", [arc("canary", 0.1, 0.2), arc("blue", 0.5)], { canary: 0.1, blue: 0.4 }],
  ["over the end of the circle", [arc("canary", 0.5, 0.75), arc("blue", 0.5)], { canary: 0.5, blue: 0.25 }],
  ["the whole circle", [arc("canary", 1, 0.3), arc("blue", 0.5)], { canary: 1, blue: 0 }],
  ["nothing", [arc("canary", 0, 0.3), arc("blue", 0.5)], { canary: 0, blue: 0.5 }],
  ["maintenance takes nothing", [arc("maintenance", 1), arc("blue", 0.5)], { blue: 0.5 }],
])("shares of arcs that are %s", (_, arcs, shares) => {
  expect(Object.fromEntries(sharesOf(arcs).byVersion)).toEqual(shares);
});

test("shares are what the daemon's formula gives to a million evenly spaced visitors", () => {
  const generator = new Random();
  const random = () => generator.fraction();
  const note = `SEED=${generator.seed}`;
  for (let round = 0; round < 20; round++) {
    const arcs = ["canary", "blue", "green", "red"].map((version) => arc(version, random(), random()));
    const order = ["canary", "blue", "green", "red"].map((version) =>
      arcs.find((a) => a.version === version),
    );
    const counts = new Map<string, number>();
    const visitors = 50_000;
    for (let visitor = 0; visitor < visitors; visitor++) {
      const found = order.find((each) => each && covers(each.offset, each.rollout, visitor / visitors));
      if (found !== undefined) counts.set(found.version, (counts.get(found.version) ?? 0) + 1);
    }
    for (const [version, share] of sharesOf(arcs).byVersion) {
      expect(Math.abs(share - (counts.get(version) ?? 0) / visitors), note).toBeLessThan(1e-4);
    }
  }
});

test("an arc at the proposed offset never overlaps another arc", () => {
  const generator = new Random();
  const random = () => generator.fraction();
  const note = `SEED=${generator.seed}`;
  let proposed = 0;
  for (let round = 0; round < 500; round++) {
    const others = [arc("blue", random() * 0.4, random()), arc("green", random() * 0.3, random())];
    const mine = arc("canary", random() * 0.5, random());
    const offset = fittingOffset(mine, others);
    if (offset === undefined) continue;
    proposed++;
    for (const other of others) expect(findOverlap([other, { ...mine, offset }]), note).toBeUndefined();
  }
  expect(proposed).toBeGreaterThan(100);
});

test("a share that one version takes from another is new only by its growth", () => {
  const before = [arc("canary", 0.5), arc("blue", 0.3)];
  expect(newlyTaken(before, [arc("canary", 0.6), arc("blue", 0.3)])).toEqual([]);
  expect(newlyTaken(before, [arc("canary", 0.2), arc("blue", 0.3)])).toEqual([]);
  expect(newlyTaken(before, [arc("canary", 0.5), arc("blue", 0.4)])).toEqual([
    { by: "canary", from: "blue", share: 0.4 },
  ]);
});
