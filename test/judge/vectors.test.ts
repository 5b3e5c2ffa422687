/** The judge gives the figures of the vectors, which were computed to 40 digits. */

import { describe, expect, test } from "bun:test";
import { covers } from "../../src/circle.ts";
import { cellOf, mix32 } from "../../src/judge/cell.ts";
import { logEvidence } from "../../src/judge/evidence.ts";
import { logLikelihoodRatio } from "../../src/judge/likelihood.ts";
import { logTotal } from "../../src/judge/total.ts";
import vectors from "../vectors/judge.json";
import { segmentsOf } from "./segments.ts";

/** Within 1e-9, or within 1e-11 of the figure, whichever is more. */
function expectNear(actual: number, figure: number | string): void {
  const expected = Number(figure);
  if (!Number.isFinite(expected)) expect(actual).toBe(expected);
  else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(Math.max(1e-9, 1e-11 * Math.abs(expected)));
}

/** The bar that is in the vectors as `enough`: ln(1 / 0.05). */
const BAR = Math.log(20);

describe("law 16 of the judge: the likelihood ratio", () => {
  test.each(vectors.logLr)("$note", ({ psi, segments, logLr }) => {
    expectNear(logLikelihoodRatio(psi, segmentsOf(segments)), logLr);
  });
});

describe("law 16 of the judge: the evidence", () => {
  test.each(vectors.logE)("$note", ({ segments, logE, enough }) => {
    const actual = logEvidence(segmentsOf(segments));
    expectNear(actual, logE);
    expect(actual >= BAR).toBe(enough);
  });
});

describe("law 16 of the judge: the total of all metrics", () => {
  test.each(vectors.total)("$note", ({ metrics, logTotal: figure, enough }) => {
    const total = logTotal(
      metrics.map(({ weight, segments }) => ({ weight, segments: segmentsOf(segments) })),
    );
    expectNear(total, figure);
    expect(total >= BAR).toBe(enough);
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
