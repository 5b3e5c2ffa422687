import { expect, test } from "bun:test";
import { Placements } from "../src/placement.ts";
import { Rollout } from "../src/rollout.ts";
import { lineTail } from "../src/servers/line/codec.ts";

test("there is one placement for each application, location and reason", () => {
  const placements = new Placements([lineTail]);
  const first = placements.of("app", "canary", "rollout");
  expect(placements.of("app", "canary", "rollout")).toBe(first);
  const others = [
    placements.of("app", "canary", "forced"),
    placements.of("app", "master", "rollout"),
    placements.of("web", "canary", "rollout"),
  ];
  expect(new Set([first, ...others]).size).toBe(4);
  expect([...placements.values()]).toEqual([first, ...others]);
  expect(Buffer.from(first.tails[0] ?? []).toString()).toBe("\ncanary\n");
});

const ROOM = Placements.OWN_VERSIONS_MAX + Placements.SHARED_VERSIONS_MAX;

test("law 5: versions without end do not make placements without end, and each still has its own name in answers", () => {
  const placements = new Placements([lineTail]);
  for (let i = 0; i < 3 * ROOM; i++) {
    const placement = placements.of("app", `v${i}`, "rollout");
    placement.count++;
    expect(placement.location).toBe(`v${i}`);
    expect(Buffer.from(placement.tails[0] ?? []).toString()).toBe(`\nv${i}\n`);
  }
  const all = [...placements.values()];
  expect(all.length).toBeLessThanOrEqual(ROOM + 1);
  const other = all.find((placement) => placement.location === "other");
  expect(other?.count).toBe(2 * ROOM);
  expect(all.reduce((sum, placement) => sum + placement.count, 0)).toBe(3 * ROOM);
});

test("law 5: an application with versions without end takes no places of other applications", () => {
  const placements = new Placements([lineTail]);
  for (let i = 0; i < 2 * ROOM; i++) placements.of("runaway", `v${i}`, "rollout");
  for (let i = 0; i < 2_000; i++) {
    for (let version = 0; version < Placements.OWN_VERSIONS_MAX; version++) {
      placements.of(`app${i}`, `v${version}`, "rollout").count++;
    }
    placements.of(`app${i}`, "master", "outside").count++;
    expect(placements.ofApplication(`app${i}`)).not.toBeEmpty();
    for (const { location } of placements.ofApplication(`app${i}`)) expect(location).not.toBe("other");
  }
});

test("a version keeps its one name for all reasons, even if there is no room for other versions", () => {
  const placements = new Placements([lineTail]);
  for (let i = 0; i <= ROOM; i++) placements.of("app", `v${i}`, "rollout");
  const held = placements.of("app", "v0", "hold");
  held.count = 7;
  expect([...placements.ofApplication("app")]).toContain(held);
  expect(placements.of("app", `v${ROOM}`, "hold").count).toBe(0);
});

test("an application has no placements before the first one is counted", () => {
  const rollout = new Rollout(["app", "web"], 8_000);
  rollout.apply("web", [{ version: "canary", rollout: 1, offset: 0, failsafe: "hold" }], 0);
  expect([...rollout.placements.values()]).toEqual([]);
  const placement = rollout.table("web")?.locate(0.5, 1);
  expect([...rollout.placements.ofApplication("web")]).toEqual(placement === undefined ? [] : [placement]);
  expect([...rollout.placements.ofApplication("app")]).toEqual([]);
});

test("a version with the name `other` has its own name in answers, even if there is no room for other versions", () => {
  const placements = new Placements([lineTail]);
  for (let i = 0; i <= ROOM; i++) placements.of("app", `v${i}`, "rollout");
  const other = placements.of("app", "other", "rollout");
  expect(other.location).toBe("other");
  expect(Buffer.from(other.tails[0] ?? []).toString()).toBe("\nother\n");
});

test("each protocol finds its bytes in its slot, and one that the composition does not know is refused", () => {
  const upper = (location: string) => Buffer.from(location.toUpperCase());
  const placements = new Placements([lineTail, upper]);
  const { tails } = placements.of("app", "blue", "rollout");
  expect(Buffer.from(tails[placements.slotOf(lineTail)] ?? []).toString()).toBe("\nblue\n");
  expect(Buffer.from(tails[placements.slotOf(upper)] ?? []).toString()).toBe("BLUE");
  expect(() => new Placements([lineTail]).slotOf(upper)).toThrow(TypeError);
});
