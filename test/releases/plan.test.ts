import { describe, expect, test } from "bun:test";
import { PLAN_BYTES_MAX, type Plan, planText, STEPS_MAX, type Step } from "../../src/releases/plan.ts";
import { PlanProblems, parsePlan } from "../../src/releases/plan-parser.ts";
import { holds, type Random } from "../support/random.ts";

function planOf(text: string): Plan {
  const plan = parsePlan(text);
  if (plan instanceof PlanProblems) throw new Error(JSON.stringify(plan.problems));
  return plan;
}

function problemsOf(text: string): [column: number, message: string][] {
  const plan = parsePlan(text);
  return plan instanceof PlanProblems
    ? plan.problems.map(({ column, message }) => [column, message] as [number, string])
    : [];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("a plan is read", () => {
  test("with every kind of term", () => {
    const text = "1%:10m,5%:30m+ok<2h,25%:1h+approve+check(load)+check(db.2),50%:ok,75%:approve,100%:1d";
    expect(planOf(text)).toEqual({
      text,
      steps: [
        { rollout: 0.01, wait: { minMs: 10 * MINUTE, approve: false, checks: [] } },
        {
          rollout: 0.05,
          wait: { minMs: 30 * MINUTE, ok: { boundMs: 2 * HOUR }, approve: false, checks: [] },
        },
        { rollout: 0.25, wait: { minMs: HOUR, approve: true, checks: ["load", "db.2"] } },
        { rollout: 0.5, wait: { minMs: 0, ok: {}, approve: false, checks: [] } },
        { rollout: 0.75, wait: { minMs: 0, approve: true, checks: [] } },
        { rollout: 1, wait: { minMs: DAY, approve: false, checks: [] } },
      ],
    });
  });

  test.each<[string, string]>([
    [" 1% : 10m , 100% : ok < 2h + approve ", ""],
    ["1%:90m, 100%:24h", "1%:1h30m,100%:1d"],
    ["0.01:check(a)+60s,1.0:.5d", "1%:1m+check(a),100%:12h"],
    ["1%:1.1h,100%:.7d", "1%:1h6m,100%:16h48m"],
    ["1%:approve,100%:approve", "1%:approve,100%:approve"],
    ["1%,100%", "1%:approve,100%:approve"],
    ["0.000001%:ok,100%:36h", "0.000001%:ok,100%:1d12h"],
    ["100%:90d", "100%:90d"],
  ])("and %s has one spelling", (text, spelt) => {
    if (spelt === "") expect(problemsOf(text)).toHaveLength(1);
    else expect(planOf(text).text).toBe(spelt);
  });
});

test("a plan whose line has no room for each approval is read without the word", () => {
  const shares = Array.from({ length: STEPS_MAX - 1 }, (_, step) => `${step + 1}.234567%`);
  const text = [...shares, "100%"].join(",");
  expect(planOf(text).text).toBe(text);
  expect(planOf(text).steps.every(({ wait }) => wait.approve)).toBe(true);
});

describe("a plan is refused", () => {
  test.each<[text: string, column: number, message: string]>([
    ["", 1, "a step is missing here"],
    ["1%:10m,,100%:1d", 8, "a step is missing here"],
    ["1%:10m,100%:1d,", 16, "a step is missing here"],
    ["1:10m,100%:1d", 1, "write 1%, or 100% for all visitors"],
    ["x%:10m,100%:1d", 1, '"x%" is not a share; write a rollout such as 5% or 0.05'],
    ["1%:10m, 101%:1d", 9, "a rollout is from 0% to 100%"],
    ["0%:10m,100%:1d", 1, "a step of 0% serves no visitor"],
    ["0.0000001%:10m,100%:1d", 1, "at most 6 decimals of a percent"],
    ["5%:10m,5%:10m,100%:1d", 8, "5% is the share of the step before too; write more than 5%"],
    ["5%:10m,1%:10m,100%:1d", 8, "1% is less than the step before; write more than 5%"],
    ["1%:10m,50%:1d", 8, "the last step is 50%; end the plan with 100%, such as 100%:1d"],
    ["1%:10m+5m,100%:1d", 8, '"5m": a step has only one duration; remove one'],
    ["1%:ok+ok<1h,100%:1d", 7, "a step has only one ok; remove one"],
    ["1%:approve+approve,100%:1d", 12, "a step has only one approve; remove one"],
    ["1%:check(a)+check(a),100%:1d", 13, "a step has only one check(a); remove one"],
    ["1%:,100%:1d", 4, "a term is missing here"],
    ["1%:10m+,100%:1d", 8, "a term is missing here"],
    ["1%:aprove,100%:1d", 4, "did you mean approve?"],
    ["1%:check(),100%:1d", 4, "write check(NAME)"],
    ["1%:check(a b),100%:1d", 4, "write check(NAME)"],
    ["1%:check(load,100%:1d", 4, "write check(NAME)"],
    ["1%:10,100%:1d", 4, "such as 30m, 1h30m or 1d"],
    ["1%:10min,100%:1d", 4, "such as 30m, 1h30m or 1d"],
    ["1%:0,100%:1d", 4, "write a duration from 1s to 90d, in whole seconds"],
    ["1%:1500ms,100%:1d", 4, "in whole seconds"],
    ["1%:91d,100%:1d", 4, "from 1s to 90d"],
    [`1%:${"9".repeat(400)}d,100%:1d`, 4, "from 1s to 90d"],
    ["1%:ok<,100%:1d", 7, "write a duration with its unit"],
    ["1%:1h+ok<1h,100%:1d", 7, "write a bound above 1h"],
    ["1%:10m,100%:1d+ok", 16, "at 100% no control group is left"],
    [`${"1%,".repeat(180)}100%`, 1, `longer than ${PLAN_BYTES_MAX} bytes`],
  ])("%.40s", (text, column, message) => {
    const found = problemsOf(text);
    expect(found).toHaveLength(1);
    expect(found[0]?.[0]).toBe(column);
    expect(found[0]?.[1]).toContain(message);
  });

  test("with all of its problems at once, in the order of the text", () => {
    expect(problemsOf("0%:10,5%:ok+ok+x,2%:30m,50").map(([column]) => column)).toEqual([
      1, 4, 13, 16, 18, 25,
    ]);
  });

  test(`if it has more than ${STEPS_MAX} steps`, () => {
    const steps = (count: number) =>
      [...Array.from({ length: count - 1 }, (_, index) => `${index + 1}%:1m`), "100%:1d"].join(",");
    expect(planOf(steps(STEPS_MAX)).steps).toHaveLength(STEPS_MAX);
    expect(problemsOf(steps(STEPS_MAX + 1)).map(([, message]) => message)).toEqual([
      "a plan has at most 32 steps; leave some out",
    ]);
  });

  test(`if its one spelling is longer than ${PLAN_BYTES_MAX} bytes`, () => {
    const steps = Array.from({ length: 31 }, (_, index) => `${index + 1}%:1.01d+ok`).join(",");
    expect(steps.length).toBeLessThanOrEqual(PLAN_BYTES_MAX);
    expect(problemsOf(`${steps},100%:check(${"a".repeat(60)})`)[0]?.[1]).toContain("longer than");
  });
});

function anyWait(random: Random, isLast: boolean): Step["wait"] {
  const minMs = random.pick([0, random.whole(1, 90 * 86_400) * 1000, random.whole(1, 60) * MINUTE]);
  const boundMs = Math.min(90 * DAY, minMs + random.whole(1, 3_600) * 1000);
  const hasOk = !isLast && random.whole(0, 1) === 1;
  const ok = random.whole(0, 1) === 1 || boundMs <= minMs ? {} : { boundMs };
  const names = ["load", "a", "0", "db.2", "x_y-z"].filter(() => random.whole(0, 3) === 0);
  const approve = random.whole(0, 2) === 0 || (minMs === 0 && !hasOk && names.length === 0);
  return { minMs, ...(hasOk && { ok }), approve, checks: names };
}

function anySteps(random: Random): Step[] {
  const shares = new Set<number>();
  for (let left = random.whole(0, 5); left > 0; left--) {
    const digits = random.whole(0, 6);
    const percent = (random.whole(1, 99 * 10 ** digits) / 10 ** digits).toFixed(digits);
    shares.add(Number(`${percent}e-2`));
  }
  return [...[...shares].sort((a, b) => a - b), 1].map((rollout) => ({
    rollout,
    wait: anyWait(random, rollout === 1),
  }));
}

test("a plan that is spelt and read again is the same plan", () => {
  holds(2_000, (random) => {
    const steps = anySteps(random);
    const text = planText(steps);
    if (text.length > PLAN_BYTES_MAX) return;
    expect(planOf(text)).toEqual({ text, steps });
  });
});

test("garbage of any bytes is refused, or read as a plan that can be spelt", () => {
  const pieces = [
    "1%",
    "5 %",
    ":",
    ",",
    "+",
    "ok",
    "<",
    "approve",
    "check(",
    ")",
    "10m",
    "1d",
    "100%",
    " ",
    "\0",
  ];
  holds(3_000, (random) => {
    let text = "";
    for (let left = random.whole(0, 24); left > 0; left--) {
      text += random.whole(0, 4) > 0 ? random.pick(pieces) : String.fromCharCode(random.whole(0, 0xffff));
    }
    const plan = parsePlan(text);
    if (plan instanceof PlanProblems) {
      expect(plan.problems.length).toBeGreaterThan(0);
      for (const { column } of plan.problems) {
        expect(column >= 1 && column <= text.length + 1).toBe(true);
      }
    } else {
      expect(planOf(plan.text)).toEqual(plan);
    }
  });
});
