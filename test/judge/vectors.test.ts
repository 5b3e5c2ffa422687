/** The judge gives the figures of the vectors, which were computed to 40 digits. */

import { describe, expect, test } from "bun:test";
import { covers } from "../../src/circle.ts";
import { ABORT_BAR, ALPHA, HURT_MIN } from "../../src/judge/abort.ts";
import { cellOf, mix32 } from "../../src/judge/cell.ts";
import { EVIDENCE_GRID, logEvidence } from "../../src/judge/evidence.ts";
import {
  BETA,
  BUDGET,
  GATE_BAR,
  GATE_HARM_GRID,
  GATE_PSI,
  GATE_RATIO_GRID,
  logGate,
  RIPE_MS,
} from "../../src/judge/gate.ts";
import { interval } from "../../src/judge/interval.ts";
import { logLikelihoodRatio } from "../../src/judge/likelihood.ts";
import { logMixture } from "../../src/judge/mixture.ts";
import { asStep, GRACE_MS, SEGMENT_MS } from "../../src/judge/segment.ts";
import {
  BACK_GRID,
  BACK_MS,
  isBack,
  isSplit,
  MISPLACED_MIN,
  MISPLACED_SHARE,
  SIGN_ALPHA,
  SPLIT_GRID,
} from "../../src/judge/signs.ts";
import { minutesToFind } from "../../src/judge/time-to-find.ts";
import { logTotal } from "../../src/judge/total.ts";
import { STEP_MS_MIN, SUSPICION } from "../../src/judge/verdict.ts";
import vectors from "../vectors/judge.json";
import { segmentsOf } from "./segments.ts";

/** Within 1e-9, or within 1e-11 of the figure, whichever is more. */
function expectNear(actual: number, figure: number | string): void {
  const expected = Number(figure);
  if (!Number.isFinite(expected)) expect(actual).toBe(expected);
  else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(Math.max(1e-9, 1e-11 * Math.abs(expected)));
}

/** Within 1e-6 of the figure. `null` is an estimate that does not exist. */
function expectEnd(actual: number | undefined, figure: number | string | null): void {
  if (figure === null || actual === undefined) expect(actual ?? null).toBe(null);
  else if (Number(figure) === 0 || !Number.isFinite(Number(figure))) expect(actual).toBe(Number(figure));
  else expect(Math.abs(actual / Number(figure) - 1)).toBeLessThanOrEqual(1e-6);
}

describe("law 16 of the judge: the likelihood ratio", () => {
  test.each(vectors.logLr)("$note", ({ psi, segments, logLr }) => {
    expectNear(logLikelihoodRatio(psi, segmentsOf(segments)), logLr);
  });
});

describe("law 16 of the judge: the evidence", () => {
  test.each(vectors.logE)("$note", ({ segments, logE, enough }) => {
    const actual = logEvidence(segmentsOf(segments));
    expectNear(actual, logE);
    expect(actual >= ABORT_BAR).toBe(enough);
  });
});

describe("law 16 of the judge: the total of all metrics", () => {
  test.each(vectors.total)("$note", ({ metrics, logTotal: figure, enough }) => {
    const total = logTotal(
      metrics.map(({ weight, segments }) => ({ weight, segments: segmentsOf(segments) })),
    );
    expectNear(total, figure);
    expect(total >= ABORT_BAR).toBe(enough);
  });
});

test.each(vectors.cells)("law 16 of the judge: the cell of $u", ({ u, cell, mix32: mixed }) => {
  expect(cellOf(u)).toBe(cell);
  expect(mix32(cell)).toBe(mixed);
});

test.each(vectors.arcs)(
  "law 16 of the judge: whether the arc at $offset of $rollout has $u",
  ({ u, offset, rollout, canary }) => {
    expect(covers(offset, rollout, u)).toBe(canary);
  },
);

describe("law 16 of the judge: the interval", () => {
  test.each(vectors.confidence)("$note", ({ segments, low, estimate, high, ...rest }) => {
    const actual = interval(segmentsOf(segments), "alpha" in rest ? rest.alpha : undefined);
    expectEnd(actual.low, low);
    expectEnd(actual.estimate, estimate);
    expectEnd(actual.high, high);
  });
});

describe("law 16 of the judge: the gate", () => {
  test.each(vectors.gate)("$note", ({ segments, visitors, rolloutNext, logG, passes, ...rest }) => {
    const step = asStep(segmentsOf(segments));
    if (step === undefined) throw new Error("a step has segments");
    const actual = logGate({ step, visitors, rolloutNext, ...rest });
    expectNear(actual, logG);
    expect(actual >= GATE_BAR).toBe(passes);
  });
});

test.each(vectors.minutes)(
  "law 16 of the judge: the time to find $psi at $rollout",
  ({ psi, minutes, alpha, ...pace }) => {
    expectNear(minutesToFind(psi, pace, -Math.log(alpha)), minutes);
  },
);

describe("law 16 of the judge: the signs", () => {
  test.each(vectors.signs)("$note", ({ segments, logSplit, logBack, splitRaised, backRaised }) => {
    const coins = segmentsOf(segments);
    expectNear(logMixture(SPLIT_GRID, coins), logSplit);
    expectNear(logMixture(BACK_GRID, coins), logBack);
    expect(isSplit(coins)).toBe(splitRaised);
    expect(isBack(coins)).toBe(backRaised);
  });
});

test("law 16 of the judge: the constants", () => {
  const { constants } = vectors;
  const ours: object = {
    ...{ alpha: ALPHA, beta: BETA, psi: EVIDENCE_GRID, gatePsi: GATE_PSI, gateRatio: GATE_RATIO_GRID },
    ...{ gateHarm: GATE_HARM_GRID, budget: BUDGET, split: SPLIT_GRID, back: BACK_GRID },
    ...{ signAlpha: SIGN_ALPHA, hurtMin: HURT_MIN, suspicion: SUSPICION, graceS: GRACE_MS / 1_000 },
    ...{ segmentS: SEGMENT_MS / 1_000, stepMinS: STEP_MS_MIN / 1_000, ripeS: RIPE_MS / 1_000 },
    ...{ backS: BACK_MS / 1_000, misplacedShare: MISPLACED_SHARE, misplacedMin: MISPLACED_MIN },
    capacity: constants.capacity,
  };
  expect(ours).toEqual(constants);
});
