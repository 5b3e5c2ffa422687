import { expect, test } from "bun:test";
import { PLACES_MAX, PLACES_OF_CHECK_MAX, Places } from "../../src/checks/places.ts";

function enterMany(places: Places, check: string, count: number, started: string[]): (() => void)[] {
  return Array.from({ length: count }, (_, index) =>
    places.enter(check, () => started.push(`${check}${index}`)),
  );
}

test("one check has a part of the places, and another one need not wait for it", () => {
  const places = new Places();
  const started: string[] = [];
  enterMany(places, "a", PLACES_OF_CHECK_MAX + 2, started);
  enterMany(places, "b", 1, started);
  expect(started).toHaveLength(PLACES_OF_CHECK_MAX + 1);
  expect(started.at(-1)).toBe("b0");
  places.leave("a");
  expect(started.at(-1)).toBe(`a${PLACES_OF_CHECK_MAX}`);
});

test("all checks together have a limit, and wait in their order", () => {
  const places = new Places();
  const started: string[] = [];
  for (let i = 0; i < PLACES_MAX / PLACES_OF_CHECK_MAX; i++) {
    enterMany(places, `c${i}-`, PLACES_OF_CHECK_MAX, started);
  }
  expect(started).toHaveLength(PLACES_MAX);
  enterMany(places, "late", 2, started);
  expect(started).toHaveLength(PLACES_MAX);
  places.leave("c0-");
  expect(started.slice(PLACES_MAX)).toEqual(["late0"]);
  places.leave("late");
  expect(started.slice(PLACES_MAX)).toEqual(["late0", "late1"]);
});

test("a wait that is given up never starts", () => {
  const places = new Places();
  const started: string[] = [];
  const given = enterMany(places, "a", PLACES_OF_CHECK_MAX + 2, started);
  given[PLACES_OF_CHECK_MAX]?.();
  places.leave("a");
  expect(started.at(-1)).toBe(`a${PLACES_OF_CHECK_MAX + 1}`);
});
