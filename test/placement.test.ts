import { expect, test } from "bun:test";
import { Placements } from "../src/placement.ts";

test("there is one placement for each application, location and reason", () => {
  const placements = new Placements();
  const first = placements.of("app", "canary", "rollout");
  expect(placements.of("app", "canary", "rollout")).toBe(first);
  const others = [
    placements.of("app", "canary", "forced"),
    placements.of("app", "master", "rollout"),
    placements.of("web", "canary", "rollout"),
  ];
  expect(new Set([first, ...others]).size).toBe(4);
  expect([...placements.values()]).toEqual([first, ...others]);
  expect(Buffer.from(first.lineTail).toString()).toBe("\ncanary\n");
});

test("law 5: versions without end do not make placements without end, and are still answered by name", () => {
  const placements = new Placements();
  for (let i = 0; i < 3 * Placements.COUNT_MAX; i++) {
    const placement = placements.of("app", `v${i}`, "rollout");
    placement.count++;
    expect(placement.location).toBe(`v${i}`);
    expect(Buffer.from(placement.lineTail).toString()).toBe(`\nv${i}\n`);
  }
  const all = [...placements.values()];
  expect(all.length).toBeLessThanOrEqual(Placements.COUNT_MAX + 1);
  const other = all.find((placement) => placement.location === "other");
  expect(other?.count).toBe(2 * Placements.COUNT_MAX);
  expect(all.reduce((sum, placement) => sum + placement.count, 0)).toBe(3 * Placements.COUNT_MAX);
});

test("a version that is called `other` is answered by its own name when the others overflow", () => {
  const placements = new Placements();
  for (let i = 0; i <= Placements.COUNT_MAX; i++) placements.of("app", `v${i}`, "rollout");
  const other = placements.of("app", "other", "rollout");
  expect(other.location).toBe("other");
  expect(Buffer.from(other.lineTail).toString()).toBe("\nother\n");
});
