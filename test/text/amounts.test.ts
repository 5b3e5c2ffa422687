import { describe, expect, test } from "bun:test";
import { exactDurationText, rolloutText } from "../../src/text/amounts.ts";

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

describe("an exact duration", () => {
  test.each<[number, string]>([
    [0, "0s"],
    [59_000, "59s"],
    [90_000, "1m30s"],
    [3_600_000, "1h"],
    [129_661_000, "1d12h1m1s"],
  ])("%p ms is written as %s", (ms, text) => {
    expect(exactDurationText(ms)).toBe(text);
  });
});
