import { describe, expect, test } from "bun:test";
import { rolloutText } from "../../src/text/amounts.ts";

describe("a rollout", () => {
  test.each<[number, string]>([
    [0.05, "5%"],
    [0.0007, "0.07%"],
    [0.29, "29%"],
    [1, "100%"],
    [1 / 3, "33.3333333333%"],
  ])("%p is shown as %s", (rollout, text) => {
    expect(rolloutText(rollout)).toBe(text);
  });
});
