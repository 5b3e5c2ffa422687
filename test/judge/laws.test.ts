/** The laws of the judge that are about its formulas, as properties of random segments. */

import { expect, test } from "bun:test";
import { logEvidence } from "../../src/judge/evidence.ts";
import { GATE_HARM_GRID, logGate, logOfHarm, logOfRatio } from "../../src/judge/gate.ts";
import { interval } from "../../src/judge/interval.ts";
import { logLikelihoodRatio } from "../../src/judge/likelihood.ts";
import { logSum } from "../../src/judge/mixture.ts";
import { coinsIn, hasBothArms, type Segment } from "../../src/judge/segment.ts";
import { isBack, isSplit } from "../../src/judge/signs.ts";
import { minutesToFind } from "../../src/judge/time-to-find.ts";
import { holds, type Random } from "../support/random.ts";
import { anyCount, anySegment, anySegments } from "./segments.ts";

const RUNS = 1_000;

/** A double has 53 bits, and each coin adds its rounding to a sum. */
function tolerance(segments: readonly Segment[]): number {
  const { canary, master } = coinsIn(segments);
  return 1e-12 + 4e-15 * (canary + master);
}

function expectNear(actual: number, expected: number, within: number): void {
  if (actual === expected) return;
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(within);
}

function withCoin(segments: readonly Segment[], at: number, arm: "canary" | "master"): Segment[] {
  return segments.map((segment, index) => (index === at ? { ...segment, [arm]: segment[arm] + 1 } : segment));
}

/** A segment in which both versions have visitors, so that a coin can be tossed. */
function anyTossed(random: Random): Segment {
  for (;;) {
    const segment = anySegment(random);
    if (hasBothArms(segment)) return segment;
  }
}

test("law 1 of the judge: fair, so one coin costs nothing on average", () => {
  holds(RUNS, (random) => {
    const [before, tossed] = [anySegments(random), anyTossed(random)];
    const segments = [...before, tossed, ...anySegments(random)];
    const at = before.length;
    const theta = tossed.rollout / (tossed.rollout + tossed.control);
    const mean = logSum([
      Math.log(theta) + logEvidence(withCoin(segments, at, "canary")),
      Math.log1p(-theta) + logEvidence(withCoin(segments, at, "master")),
    ]);
    expectNear(mean, logEvidence(segments), tolerance(segments));
  });
});

test("law 4 of the judge: an empty segment changes nothing", () => {
  holds(RUNS, (random) => {
    const segments = anySegments(random);
    const empty = { ...anySegment(random), canary: 0, master: 0 };
    expectNear(logEvidence([...segments, empty]), logEvidence(segments), tolerance(segments));
  });
});

test("law 5 of the judge: a coin of the canary never lowers the evidence, and one of master never raises it", () => {
  holds(RUNS, (random) => {
    const segments = anySegments(random);
    const at = random.whole(0, segments.length - 1);
    const [before, within] = [logEvidence(segments), tolerance(segments)];
    expect(logEvidence(withCoin(segments, at, "canary"))).toBeGreaterThanOrEqual(before - within);
    expect(logEvidence(withCoin(segments, at, "master"))).toBeLessThanOrEqual(before + within);
  });
});

test("law 5 of the judge: for the gate, the other way round, and more visitors never close it", () => {
  holds(RUNS, (random) => {
    const step = anyTossed(random);
    const facts = { step, visitors: anyCount(random), rolloutNext: random.pick([step.rollout, 1]) };
    const [before, within] = [logGate(facts), tolerance([step]) + 1e-15 * facts.visitors];
    const open = (change: Partial<Segment>) => logGate({ ...facts, step: { ...step, ...change } });
    expect(open({ canary: step.canary + 1 })).toBeLessThanOrEqual(before + within);
    expect(open({ master: step.master + 1 })).toBeGreaterThanOrEqual(before - within);
    expect(logGate({ ...facts, visitors: facts.visitors + anyCount(random) })).toBeGreaterThanOrEqual(
      before - within,
    );
  });
});

test("law 6 of the judge: a segment with one version alone says nothing, whatever is in it", () => {
  holds(RUNS, (random) => {
    const segments = anySegments(random);
    const rollout = random.pick([0, 1]);
    const [canary, master] = [anyCount(random), anyCount(random)];
    const alone = { rollout, control: 1 - rollout, canary, master };
    const at = random.whole(0, segments.length);
    const put = (segment: Segment) => [...segments.slice(0, at), segment, ...segments.slice(at)];
    expect(logEvidence(put(alone))).toBe(logEvidence(put({ ...alone, canary: 0, master: 0 })));
    expect(logLikelihoodRatio(2, put(alone))).toBe(logLikelihoodRatio(2, segments));
    expect(interval(put(alone))).toEqual(interval(segments));
    expect(logGate({ step: alone, visitors: 1e9, rolloutNext: 1 })).toBe(Number.NEGATIVE_INFINITY);
  });
});

test("law 10 of the judge: each figure is a number, and the evidence is never below its floor", () => {
  holds(RUNS, (random) => {
    const segments = anySegments(random);
    expect(logEvidence(segments)).toBeGreaterThanOrEqual(-Math.log(4 * segments.length) - 1e-9);
    const { low, estimate = 0, high } = interval(segments);
    const step = random.pick(segments);
    const rolloutNext = random.pick([1e-6, 0.5, 1]);
    const gate = logGate({ step, visitors: anyCount(random), rolloutNext });
    const pace = { ...anyTossed(random), coinsPerMinute: anyCount(random), weight: 0.2 };
    const figures = [logEvidence(segments), low, estimate, high, gate, minutesToFind(2, pace)];
    expect(figures.filter(Number.isNaN)).toEqual([]);
    expect([typeof isSplit(segments), typeof isBack(segments)]).toEqual(["boolean", "boolean"]);
  });
});

test("law 12 of the judge: the gate's ratio is fair at its edge", () => {
  holds(RUNS, (random) => {
    const step = anyTossed(random);
    const theta = step.rollout / (step.rollout + step.control);
    const shifted = (1.5 * theta) / (1 + 0.5 * theta);
    const mean = logSum([
      Math.log(shifted) + logOfRatio({ ...step, canary: step.canary + 1 }),
      Math.log1p(-shifted) + logOfRatio({ ...step, master: step.master + 1 }),
    ]);
    expectNear(mean, logOfRatio(step), tolerance([step]));
  });
});

test("law 12 of the judge: a visitor costs the gate nothing on average if the canary uses up the budget", () => {
  holds(RUNS, (random) => {
    const rollout = random.pick([0.01, 0.05, 0.25, 0.5]);
    const rolloutNext = random.pick([rollout, 0.5, 1].filter((next) => next >= rollout));
    const budget = 0.005;
    const more = budget / rolloutNext;
    const base = random.fraction() * (1 - more);
    const step = { rollout, control: 1 - rollout, canary: 0, master: 0 };
    const after = (coins: Partial<Segment>) =>
      logOfHarm({ step: { ...step, ...coins }, visitors: 1, rolloutNext, budget });
    const canary = rollout * (base + more);
    const master = (1 - rollout) * base;
    const mean = logSum([
      Math.log(canary) + after({ canary: 1 }),
      Math.log(master) + after({ master: 1 }),
      Math.log(1 - canary - master) + after({}),
    ]);
    expect(mean).toBeLessThanOrEqual(1e-12);
    for (const [part] of GATE_HARM_GRID) {
      const cost = rollout * (1 - part) * more;
      expect(1 - cost).toBeLessThanOrEqual(Math.exp(-cost));
    }
  });
});

test("law 13 of the judge: the interval has its estimate, and the surer one has the other", () => {
  holds(RUNS, (random) => {
    const segments = anySegments(random);
    const at95 = interval(segments, 0.05);
    const at99 = interval(segments, 0.01);
    expect(at95.estimate).toEqual(at99.estimate);
    const { estimate = 1 } = at95;
    expect([at99.low, at95.low, estimate, at95.high, at99.high]).toEqual(
      [at99.low, at95.low, estimate, at95.high, at99.high].toSorted((a, b) => a - b),
    );
  });
});
