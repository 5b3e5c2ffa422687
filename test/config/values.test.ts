import { describe, expect, test } from "bun:test";
import { Problem } from "../../src/config/option.ts";
import { parseDuration, parseLongDuration, parseRollout } from "../../src/config/values.ts";

describe("a rollout", () => {
  test.each<[string, number]>([
    ["5%", 0.05],
    ["5 %", 0.05],
    ["0.05", 0.05],
    [".05", 0.05],
    ["0%", 0],
    ["0", 0],
    ["100%", 1],
    ["1.0", 1],
    ["0.07%", 0.0007],
    ["33.3%", 0.333],
    ["12.5%", 0.125],
  ])("%s is %p", (text, rollout) => {
    expect(parseRollout(text)).toBe(rollout);
  });

  test.each<[string, string]>([
    ["5", "write 5% or 0.05"],
    ["1", "write 1%, or 100% for all visitors"],
    ["50", "write 50% or 0.5"],
    ["101%", "from 0% to 100%"],
    ["1.01", "from 0% to 100%"],
    ["500", "from 0% to 100%"],
    ["0,05", "such as 5% or 0.05"],
    ["-0.1", "such as 5% or 0.05"],
    ["-5%", "such as 5% or 0.05"],
    ["NaN", "such as 5% or 0.05"],
    ["Infinity", "such as 5% or 0.05"],
    ["1e-2", "such as 5% or 0.05"],
    ["0x1", "such as 5% or 0.05"],
    ["", "such as 5% or 0.05"],
    ["%", "such as 5% or 0.05"],
    ["5%%", "such as 5% or 0.05"],
    [`0.${"9".repeat(1_000_000)}x`, "such as 5% or 0.05"],
  ])("%.20s is refused with a remedy", (text, remedy) => {
    const problem = parseRollout(text);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).message).toContain(remedy);
  });
});

describe("a duration", () => {
  test.each<[string, number]>([
    ["0", 0],
    ["4s", 4_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    [".5h", 1_800_000],
    ["1.5s", 1_500],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["1h1m1s1ms", 3_661_001],
  ])("%s is %p ms", (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9);
  });

  test.each([
    "",
    "4",
    "s",
    "4 s",
    "4s ",
    "-4s",
    "+4s",
    "4d",
    "4S",
    "4s4",
    "..5s",
    `${"1s".repeat(100_000)}x`,
  ])("%.20s is refused", (text) => {
    expect(parseDuration(text)).toBeInstanceOf(Problem);
  });
});

describe("a long duration", () => {
  test("may also have days", () => {
    expect(["1d", "1d12h", ".5d", "90s", "0"].map(parseLongDuration)).toEqual([
      86_400_000, 129_600_000, 43_200_000, 90_000, 0,
    ]);
  });

  test.each(["", "1", "d", "1D", "1w", "1 d", "-1d"])("%s is refused", (text) => {
    expect(parseLongDuration(text)).toBeInstanceOf(Problem);
  });
});
