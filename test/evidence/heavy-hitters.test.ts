import { expect, test } from "bun:test";
import { HeavyHitters } from "../../src/evidence/heavy-hitters.ts";
import { holds } from "../support/random.ts";

test("a key that comes often is found, and no count is too great", () => {
  holds(20, (random) => {
    const hitters = new HeavyHitters();
    const counts = new Map<number, number>();
    for (let each = 0; each < 5_000; each++) {
      const key = random.pick([1, 2, 2, 1_000 + random.whole(0, 3_000), 1_000 + random.whole(0, 3_000)]);
      hitters.add(key, 1);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const top = hitters.top(4);
    expect(top.slice(0, 2).map(([key]) => key)).toEqual([2, 1]);
    for (const [key, count] of top) expect(count).toBeLessThanOrEqual(counts.get(key) ?? 0);
    expect(top[0]?.[1]).toBeGreaterThan((counts.get(2) ?? 0) - 5_000 / 64);
  });
});
