import { expect, test } from "bun:test";
import { TURNS_MAX, turnOf } from "../../src/notices/turn.ts";

const NAMES = ["web-1", "web-2", "web-3", "web-4"];

const ids = Array.from({ length: 200 }, (_, seq) => `0123456789abcdef01234567-${seq}`);

test("the controllers of a release have different turns, whatever order they know each other in", () => {
  for (const id of ids) {
    const turns = NAMES.map((own, at) => turnOf(own, [...NAMES.slice(at), ...NAMES.slice(0, at)], id, null));
    expect(turns.toSorted()).toEqual([0, 1, 2, 3]);
  }
});

test("the writer of the transition is the first", () => {
  for (const id of ids) {
    const turns = NAMES.map((own) => turnOf(own, NAMES, id, "web-3"));
    expect([turns[2], turns.toSorted()]).toEqual([0, [0, 1, 2, 3]]);
  }
});

test("the turn of a person's write is drawn by its id, so that no controller is always the first", () => {
  const first = ids.map((id) => NAMES.find((own) => turnOf(own, NAMES, id, "ada@web-3") === 0) ?? "");
  for (const name of NAMES) expect(first.filter((each) => each === name).length).toBeGreaterThan(20);
});

test("the writer is the first also if no other controller has heard of it", () => {
  expect(turnOf("web-1", ["web-1"], "id", "web-9")).toBe(1);
  expect(turnOf("web-1", ["web-1"], "id", "ada@web-9")).toBe(0);
});

test("a controller that does not know itself yet, or a large fleet, has a turn too", () => {
  expect(turnOf("web-1", [], "id", null)).toBe(0);
  expect(turnOf("web-1", ["web-2"], "id", "web-2")).toBe(1);
  const many = Array.from({ length: 500 }, (_, at) => `web-${at}`);
  for (const own of many) expect(turnOf(own, many, "id", null)).toBeLessThanOrEqual(TURNS_MAX);
});
