import { expect, test } from "bun:test";
import { nearest } from "../../src/text/nearest.ts";

test("a misspelt name suggests the nearest one, and a wild one suggests none", () => {
  expect(nearest("delya", ["delay", "table"], "-")).toBe("; did you mean -delay?");
  expect(nearest("zzzzzz", ["delay", "table"])).toBe("");
  expect(nearest("x".repeat(1_000_000), ["delay"])).toBe("");
});
