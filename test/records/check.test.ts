import { describe, expect, test } from "bun:test";
import { type Arc, isVersion } from "../../src/circle.ts";
import { checkRecord } from "../../src/records/check.ts";

function arcOf(value: unknown): Arc {
  const { arc, problem } = checkRecord("canary", value);
  expect(problem).toBeUndefined();
  return arc;
}

describe("a sound record", () => {
  test("may be a bare number", () => {
    expect(arcOf(0.25)).toEqual({ version: "canary", rollout: 0.25, offset: 0, failsafe: "master" });
  });

  test("has offset 0 and failsafe master, unless it names others", () => {
    expect(arcOf({ rollout: 1 })).toEqual({ version: "canary", rollout: 1, offset: 0, failsafe: "master" });
    expect(arcOf({ rollout: 0, offset: 0.9, failsafe: "hold" })).toEqual({
      version: "canary",
      rollout: 0,
      offset: 0.9,
      failsafe: "hold",
    });
  });

  test("may have fields that the daemon does not know", () => {
    expect(arcOf({ rollout: 0.5, plan: [1, 2], note: "x" }).rollout).toBe(0.5);
  });
});

describe("law 3: a malformed record is rollout 0 and says so", () => {
  const circular: Record<string, unknown> = {};
  circular["rollout"] = circular;
  const throwing = {
    get rollout(): number {
      throw new Error("looked at");
    },
  };
  const malformed: unknown[] = [
    ...[
      undefined,
      null,
      true,
      "0.5",
      "",
      5n,
      Symbol("x"),
      () => 1,
      [],
      [0.5],
      {},
      new Date(),
      circular,
      throwing,
    ],
    ...[Number.NaN, -0.1, 1.1, 2, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -Number.MIN_VALUE],
    ...[{ rollout: "1" }, { rollout: null }, { rollout: 1 + 2 ** -52 }, { rollout: [0.5] }, { Rollout: 0.5 }],
    ...[
      { rollout: 0.5, offset: 1 },
      { rollout: 0.5, offset: -0.1 },
      { rollout: 0.5, offset: "0" },
    ],
    ...[
      { rollout: 0.5, offset: Number.NaN },
      { rollout: 0.5, offset: null },
    ],
    ...[
      { rollout: 0.5, failsafe: "Hold" },
      { rollout: 0.5, failsafe: "" },
      { rollout: 0.5, failsafe: true },
    ],
  ];
  for (const [index, value] of malformed.entries()) {
    test(`${index}: ${typeof value} ${Bun.inspect(value, { depth: 1 }).replace(/\s+/g, " ")}`, () => {
      const { arc, problem } = checkRecord("canary", value);
      expect(arc).toEqual({ version: "canary", rollout: 0, offset: 0, failsafe: "master" });
      expect(problem).toBeString();
    });
  }

  test("a huge value is shortened in the message", () => {
    expect(checkRecord("canary", { rollout: "x".repeat(1_000_000) }).problem?.length).toBeLessThan(200);
  });
});

describe("names", () => {
  test.each(["canary", "maintenance", "v2", "2.0.1", "A_b-c.d", "x".repeat(64), "constructor", "Master"])(
    "%p is one of a version",
    (name) => {
      expect(isVersion(name)).toBeTrue();
      expect(checkRecord(name, 0.5).arc).toMatchObject({ version: name, rollout: 0.5 });
    },
  );

  test.each([
    "",
    "master",
    "?",
    "-x",
    ".x",
    "a b",
    "a=b",
    "a\nb",
    "é",
    "x".repeat(65),
    "__proto__",
    "canary\n",
  ])("%p is not the name of a version, and its record gets no visitor", (name) => {
    expect(isVersion(name)).toBeFalse();
    const { arc, problem } = checkRecord(name, 0.5);
    expect(arc.rollout).toBe(0);
    expect(isVersion(arc.version)).toBeFalse();
    expect(problem).toBeString();
  });
});
