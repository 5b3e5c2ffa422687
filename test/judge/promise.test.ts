/** Law 15 of the judge: it keeps its promise, and it finds harm. The streams are of bad outcomes only. */

import { describe, expect, test } from "bun:test";
import { uglySite } from "../../bench/ugly-site.ts";
import { ALPHA } from "../../src/judge/abort.ts";
import { weightsOf } from "../../src/judge/metrics.ts";
import type { Plan } from "../../src/releases/plan.ts";
import { PlanProblems, parsePlan } from "../../src/releases/plan-parser.ts";
import { assignmentIn } from "../../src/simulate/draws.ts";
import { type Run, runRelease } from "../../src/simulate/run.ts";
import { Random } from "../support/random.ts";

const HOUR_MS = 3_600_000;
const WEIGHTS = weightsOf({ bounds: 0, isBroughtTold: true });

function planOf(text: string): Plan {
  const plan = parsePlan(text);
  if (plan instanceof PlanProblems) throw new Error(plan.problems.map(({ message }) => message).join());
  return plan;
}

const BY_THE_CLOCK = planOf("1%:30m,5%:30m,25%:30m,50%:30m,100%:1h");

function* runs(count: number, psi: number): Generator<Run> {
  const random = new Random();
  const site = uglySite(2 * HOUR_MS);
  for (let run = 0; run < count; run++) {
    const seed = random.bits();
    const offset = Math.floor(1_000 * assignmentIn(seed, run)) / 1_000;
    yield runRelease(BY_THE_CLOCK, WEIGHTS, site.traffic(seed, psi), offset);
  }
}

describe("law 15 of the judge", () => {
  test("law 13: of 2 000 sound releases of an ugly site, at most the promised share is aborted", () => {
    const count = 2_000;
    const aborted = [...runs(count, 1)].filter(({ end }) => end === "aborted").length;
    const error = Math.sqrt((ALPHA * (1 - ALPHA)) / count);
    expect(aborted / count).toBeLessThanOrEqual(ALPHA + 3 * error);
    // A simulation in which no release is aborted would prove nothing.
    expect(aborted).toBeGreaterThan(0);
  }, 120_000);

  test("all of 200 canaries with five times as many errors are aborted", () => {
    expect([...runs(200, 5)].filter(({ end }) => end !== "aborted")).toEqual([]);
  }, 60_000);
});
