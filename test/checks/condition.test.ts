import { expect, test } from "bun:test";
import { type Condition, holds, overlap, parseCondition } from "../../src/checks/condition.ts";
import { Problem } from "../../src/config/option.ts";

function condition(text: string): Condition {
  const read = parseCondition(text);
  if (read instanceof Problem) throw new Error(read.message);
  return read;
}

test.each([
  ["< 0.01", 0.0099, true],
  ["< 0.01", 0.01, false],
  ["<= 0.01", 0.01, true],
  ["<= 0.01", 0.010001, false],
  ["> 5", 5, false],
  [">5", 5.1, true],
  [">=-1.5e2", -150, true],
  [">= -150", -150.1, false],
  [" < .5 ", 0.4, true],
])("%s of %d is %p", (text, figure, is) => {
  expect(holds(condition(text), figure)).toBe(is);
});

test.each([
  "",
  "0.01",
  "= 1",
  "== 1",
  "<> 1",
  "< one",
  "< NaN",
  "< Infinity",
  "< 1e999",
  "< 0x10",
  "< 1 2",
  "<",
])("%p is refused with an example", (text) => {
  const read = parseCondition(text);
  expect(read).toBeInstanceOf(Problem);
  expect((read as Problem).message).toContain('such as "< 0.01"');
});

test.each([
  ["< 1", "> 1", false],
  ["<= 1", "> 1", false],
  ["<= 1", ">= 1", true],
  ["< 2", "> 1", true],
  ["< 1", "> 2", false],
  ["< 1", "< 0", true],
  [">= 1", "> 9", true],
])("%s and %s have a figure in common: %p", (one, other, is) => {
  expect(overlap(condition(one), condition(other))).toBe(is);
  expect(overlap(condition(other), condition(one))).toBe(is);
});
