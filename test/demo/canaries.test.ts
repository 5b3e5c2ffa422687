/** The canaries of the demo: how often each harms, and that its plan gives the judge enough to see. */

import { describe, expect, test } from "bun:test";
import {
  BROKEN_ONE_IN,
  CANARIES,
  CRASH_AFTER_MS,
  CRASH_STEP,
  fateOf,
  SLOW_BOUND_MS,
  SLOW_MS,
  SLOW_ONE_IN,
  STEPS,
} from "../../src/demo/canaries.ts";
import { VISITORS } from "../../src/demo/stage.ts";
import { arrivalsPerSecond } from "../../src/demo/visitors.ts";
import { evidenceOf, isHarm } from "../../src/judge/abort.ts";
import { weightsOf } from "../../src/judge/metrics.ts";
import { GRACE_MS } from "../../src/judge/segment.ts";
import type { Plan } from "../../src/releases/plan.ts";
import { parsePlan } from "../../src/releases/plan-parser.ts";
import { Random } from "../support/random.ts";

const plan = parsePlan(STEPS.join(",")) as Plan;

describe("the fate of a visitor", () => {
  const random = new Random();
  const assignments = Array.from({ length: 20_000 }, () => String(random.fraction()));
  const partOf = (kind: (typeof CANARIES)[number], fate: string) =>
    assignments.filter((assignment) => fateOf(kind, assignment) === fate).length / assignments.length;

  test("is an error for one in ten of a broken canary, and a delay for one in four of a slow one", () => {
    expect(partOf("broken", "failed")).toBeCloseTo(1 / BROKEN_ONE_IN, 1);
    expect(partOf("slow", "delayed")).toBeCloseTo(1 / SLOW_ONE_IN, 1);
    expect(SLOW_MS).toBeGreaterThan(SLOW_BOUND_MS * 1.5);
  });

  test("is good with a canary that is fine, with one that has not died yet, and without an assignment", () => {
    expect([partOf("fine", "served"), partOf("crash", "served")]).toEqual([1, 1]);
    for (const kind of CANARIES)
      for (const none of [null, "", "x"]) expect(fateOf(kind, none)).toBe("served");
  });
});

/** Whether the judge finds harm before the last step, if only the canary harms visitors, at this rate. */
function isFound(metric: string, bounds: number, part: number, random: Random): boolean {
  const weight = weightsOf({ bounds, isBroughtTold: true })[metric] ?? Number.NaN;
  const segments: { rollout: number; control: number; canary: number; master: number }[] = [];
  for (const { rollout, wait } of plan.steps) {
    if (rollout === 1) return false;
    const segment = { rollout, control: 1 - rollout, canary: 0, master: 0 };
    segments.push(segment);
    const perMs = (arrivalsPerSecond(VISITORS) * rollout * part) / 1_000;
    const untilNextMs = () => -Math.log(1 - random.fraction()) / perMs;
    for (let ms = GRACE_MS + untilNextMs(); ms < wait.minMs; ms += untilNextMs()) {
      segment.canary++;
      if (isHarm(evidenceOf({ name: metric, weight, segments }))) return true;
    }
  }
  return false;
}

test.each([
  ["errors", 0, BROKEN_ONE_IN],
  ["slow-1", 1, SLOW_ONE_IN],
] as const)(
  "the judge finds %s in at least 999 of 1 000 demos, by its real thresholds",
  (metric, bounds, oneIn) => {
    const random = new Random();
    const runs = 5_000;
    let missed = 0;
    for (let run = 0; run < runs; run++) if (!isFound(metric, bounds, 1 / oneIn, random)) missed++;
    expect(missed).toBeLessThanOrEqual(runs / 1_000);
  },
);

test("the crash comes in the middle of a step, when the judge counts", () => {
  expect(CRASH_AFTER_MS).toBeGreaterThan(GRACE_MS);
  expect(CRASH_AFTER_MS).toBeLessThan((plan.steps[CRASH_STEP - 1]?.wait.minMs ?? 0) - 5_000);
});
