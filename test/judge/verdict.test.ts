import { describe, expect, test } from "bun:test";
import type { Segment } from "../../src/judge/segment.ts";
import { isCrowd, isPlace } from "../../src/judge/signs.ts";
import { type MetricFacts, type VerdictFacts, verdict } from "../../src/judge/verdict.ts";

function segment(canary: number, master: number, rollout = 0.05): Segment {
  return { rollout, control: 1 - rollout, canary, master };
}

function metric(segments: readonly Segment[], fields: Partial<MetricFacts> = {}): MetricFacts {
  return { name: "errors", weight: 0.75, segments, visitors: 5_000, ...fields };
}

/** A sound step that passes. */
const SOUND: VerdictFacts = {
  metrics: [metric([segment(0, 0)]), metric([segment(0, 0)], { name: "known-errors", weight: 0.25 })],
  ...{ isAborted: false, stepMs: 300_000, stepFrom: 0, rolloutNext: 0.25, signs: [] },
  reach: { seen: 100, atCanary: 100 },
};

function wordOn(facts: Partial<VerdictFacts>): { kind: string; blocks: string[] } {
  const { kind, blocks } = verdict({ ...SOUND, ...facts });
  return { kind, blocks: blocks.map((block) => block.kind) };
}

describe("a step", () => {
  test("passes when all is heard and sound", () => {
    expect(wordOn({})).toEqual({ kind: "pass", blocks: [] });
  });

  test("lasts five minutes at least", () => {
    expect(wordOn({ stepMs: 299_999 })).toEqual({ kind: "watch", blocks: ["time"] });
  });

  test("does not pass while a sign stands", () => {
    expect(wordOn({ signs: ["back"] })).toEqual({ kind: "watch", blocks: ["sign"] });
  });

  test("does not pass if too few visitors were seen, by any gated metric", () => {
    const few = metric([segment(0, 0)], { name: "known-errors", weight: 0.25, visitors: 4_263 });
    const { kind, blocks } = verdict({ ...SOUND, metrics: [metric([segment(0, 0)]), few] });
    expect([kind, blocks]).toEqual(["watch", [{ kind: "gate", metric: "known-errors" }]]);
    const enough = { ...few, visitors: 4_264 };
    expect(wordOn({ metrics: [metric([segment(0, 0)]), enough] }).kind).toBe("pass");
  });

  test("does not pass without a gated metric", () => {
    expect(wordOn({ metrics: [metric([segment(0, 0)], { visitors: undefined })] }).kind).toBe("watch");
    expect(wordOn({ metrics: [] }).kind).toBe("watch");
  });

  test("does not pass on suspicion, although it is not enough for an abort", () => {
    const suspicious = metric([segment(6, 25)], { name: "slow-1", weight: 0.75, visitors: undefined });
    const { kind, logTotal } = verdict({ ...SOUND, metrics: [suspicious, ...SOUND.metrics] });
    expect(logTotal).toBeGreaterThan(Math.log(4));
    expect(logTotal).toBeLessThan(Math.log(20));
    expect(kind).toBe("watch");
    expect(wordOn({ metrics: [suspicious, ...SOUND.metrics] }).blocks).toEqual(["suspicion"]);
  });

  test("only the coins of this step count for its gate", () => {
    const past = [segment(6, 600, 0.01), segment(0, 0)];
    const metrics = [metric(past), metric(past, { name: "known-errors", weight: 0.25 })];
    expect(wordOn({ metrics, stepFrom: 1 }).kind).toBe("pass");
    expect(wordOn({ metrics, stepFrom: 0 }).blocks).toContain("gate");
  });

  test.each([0, 1])("does not pass at a rollout of %d, because there is no second version", (rollout) => {
    const alone = metric([segment(0, 0, rollout)], { visitors: 1e9 });
    expect(wordOn({ metrics: [alone] })).toEqual({ kind: "watch", blocks: ["no-control", "gate"] });
  });

  test("does not pass unless the canary's visitors really reached it", () => {
    const reached = (seen: number, atCanary: number) => wordOn({ reach: { seen, atCanary } }).kind;
    expect(reached(0, 0)).toBe("watch");
    expect(reached(19, 19)).toBe("watch");
    expect(reached(20, 20)).toBe("pass");
    expect(reached(1_000, 899)).toBe("watch");
    expect(reached(1_000, 900)).toBe("pass");
    expect(wordOn({ reach: undefined }).kind).toBe("pass");
  });
});

describe("an abort", () => {
  test("needs three visitors of the canary, however strong the evidence of two is", () => {
    const two = verdict({ ...SOUND, metrics: [metric([segment(2, 0, 0.001)])] });
    expect(two.logTotal).toBeGreaterThan(Math.log(20));
    expect(two.kind).toBe("watch");
    const three = verdict({ ...SOUND, metrics: [metric([segment(2, 0, 0.001), segment(1, 0, 0.001)])] });
    expect(three.kind).toBe("abort");
  });

  test.each([
    [0.01, 3, 3],
    [0.1, 3, 3],
    [0.25, 4, 5],
    [0.5, 8, 8],
  ])(
    "at a rollout of %p takes %p victims beside a sound master, or %p with bounds of slowness",
    (rollout, without, withBounds) => {
      const kindAfter = (hurt: number, weight: number) =>
        verdict({ ...SOUND, metrics: [metric([segment(hurt, 0, rollout)], { weight })] }).kind;
      expect([kindAfter(without - 1, 0.75), kindAfter(without, 0.75)]).toEqual(["watch", "abort"]);
      expect([kindAfter(withBounds - 1, 0.6), kindAfter(withBounds, 0.6)]).toEqual(["watch", "abort"]);
    },
  );

  test("has the metric that aborts, although another one with fewer visitors is stronger", () => {
    const metrics = [
      metric([segment(5, 20)], { name: "slow-1", weight: 0.2, visitors: undefined }),
      metric([segment(2, 0, 0.000001)], { weight: 1 }),
      metric([segment(8, 20)], { name: "known-errors", weight: 0.2 }),
    ];
    expect(verdict({ ...SOUND, metrics })).toMatchObject({ kind: "abort", metric: "known-errors" });
  });

  test("law 11 of the judge: stays, whatever comes later", () => {
    expect(wordOn({ isAborted: true })).toEqual({ kind: "abort", blocks: [] });
  });

  test("is not given on silence", () => {
    expect(wordOn({ metrics: [metric([]), metric([], { name: "known-errors" })] }).kind).toBe("watch");
  });
});

describe("shares that are signs", () => {
  test("five cells at a wrong location, and one in two hundred", () => {
    expect([isPlace(4, 10), isPlace(5, 10), isPlace(5, 1_000), isPlace(5, 1_001), isPlace(6, 1_200)]).toEqual(
      [false, true, true, false, true],
    );
  });

  test("an assignment with more than a twentieth of many decisions", () => {
    expect([isCrowd(500, 10_000), isCrowd(501, 10_000), isCrowd(9_999, 9_999)]).toEqual([
      ...[false, true, false],
    ]);
  });
});
