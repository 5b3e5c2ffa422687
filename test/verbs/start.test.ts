/** The beginning of a release: what a plan becomes, and what is refused, all at once. */

import { describe, expect, test } from "bun:test";
import { parseWindow, type Window } from "../../src/releases/windows.ts";
import { type ChosenPlan, choosePlan } from "../../src/verbs/chosen-plan.ts";
import { nextId, startOf, startProblems, startRemarks, type Wish } from "../../src/verbs/start.ts";
import { KEY, planOf } from "../releases/world.ts";
import { snapshotOf } from "../support/scripted-store.ts";

function chosen(text: string, changes: Partial<ChosenPlan> = {}): ChosenPlan {
  const settings = {
    inconclusive: "pause",
    windows: [],
    slowMs: [],
    events: {},
    failsafe: "master",
  } as const;
  return { name: "checkout", plan: planOf(text), ...settings, offset: undefined, ...changes };
}

function wish(changes: Partial<Wish> = {}): Wish {
  return {
    ...{ version: "canary", of: "v42", plan: chosen("1%:10m,5%:30m+ok,100%:1d") },
    ...{ isDynamodb: false, hasSlices: false },
    ...changes,
  };
}

const window = (text: string) => parseWindow(text) as Window;
const DRAW = { key: () => KEY, random: () => 0.7129999 };

describe("a start", () => {
  test("has all that the plan says, so that no daemon needs the file", () => {
    const plan = chosen("1%:10m,100%:1d", {
      ...{ inconclusive: "abort", failsafe: "hold", slowMs: [400, 1_000], offset: "random" },
      windows: [window("mon-thu 09:00-16:00 Europe/Berlin")],
    });
    expect(startOf("v42", plan, new Map(), DRAW)).toEqual({
      ...{ key: KEY, id: 1, of: "v42", plan: plan.plan, offset: 0.712, inconclusive: "abort" },
      ...{ failsafe: "hold", windows: ["mon-thu 09:00-16:00 Europe/Berlin"], slow: ["400ms", "1s"] },
      weights: { errors: 0.6, "known-errors": 0.2, "slow-1": 0.1, "slow-2": 0.1 },
    });
  });

  test("draws the offset as a multiple of 0.001 if the plan does not fix it", () => {
    const offsets = [0, 0.0005, 0.1, 0.58, 0.9999999].map(
      (random) => startOf("v42", chosen("1%:10m,100%"), new Map(), { ...DRAW, random: () => random }).offset,
    );
    expect(offsets).toEqual([0, 0, 0.1, 0.58, 0.999]);
    expect(startOf("v42", chosen("100%", { offset: 0.125 }), new Map(), DRAW).offset).toBe(0.125);
  });

  test("has the next free id, also above releases of other versions and of newer programs", () => {
    const snapshot = snapshotOf({
      canary: { rollout: 0, release: { format: 1, id: 6, state: "aborted" } },
      blue: { rollout: 0, release: { format: 99, id: 8 } },
      green: 0.5,
      red: { rollout: 0, release: { id: "99" } },
      grey: { rollout: 0, release: { id: 1e300 } },
    });
    expect(nextId(snapshot)).toBe(9);
    expect(nextId(new Map())).toBe(1);
  });
});

describe("a wish", () => {
  test("that is sound has no problems", () => {
    expect(startProblems(wish())).toEqual([]);
    expect(startRemarks(wish())).toEqual([]);
  });

  test("with a bound of ok that is too short for the judge is told so", () => {
    const remarksFor = (text: string) => startRemarks(wish({ plan: chosen(text) }));
    expect(remarksFor("1%:10s,5%:1m+ok<5m,100%:1d")).toEqual([
      "step 2 cannot be ok within 5m, because the judge passes no step before 5m; write a bound above 5m",
    ]);
    expect(remarksFor("1%:10s,5%:1m+ok<301s,100%:1d")).toEqual([]);
  });

  test("has all its problems at once", () => {
    const plan = chosen("0.15%:10m,5%:30m+ok,100%:1d", { windows: [window("sun 02:00-03:00 UTC")] });
    const all = wish({ version: "maintenance", of: undefined, plan, isDynamodb: true, hasSlices: true });
    const problems = startProblems(all);
    expect(problems.map((problem) => problem.replace(/[;,:].*/s, ""))).toEqual([
      "maintenance is a switch",
      "the name of the software is missing",
      "Traefik (-traefik) cannot serve 0.15%",
      "Traefik (-traefik) divides visitors in slices",
      "the plan names no offset",
    ]);
  });

  test.each(["master", "a b", "", "x".repeat(65)])("cannot have the version %j", (version) => {
    expect(startProblems(wish({ version }))).toHaveLength(1);
  });

  test.each(["", "  ", "a\nb", "x".repeat(201), "a\u202eb"])("cannot name the software %j", (of) => {
    const [problem = "", ...more] = startProblems(wish({ of }));
    expect(problem).toContain("cannot name the software");
    expect(more).toEqual([]);
  });

  test("may name an image with its digest", () => {
    const of = `registry.example:5000/team/website@sha256:${"0".repeat(64)}`;
    expect(startProblems(wish({ of }))).toEqual([]);
  });

  test.each([
    ["0.1%:10m,0.3%:1m,7%:10m,99.9%:1h,100%", []],
    ["0.05%:10m,0.15%:10m,100%", ["0.05%", "0.15%"]],
  ])("of %s with Traefik names the shares that slices cannot serve", (text, shares) => {
    const problems = startProblems(wish({ plan: chosen(text), hasSlices: true }));
    expect(problems.map((problem) => /cannot serve ([\d.]+%)/.exec(problem)?.[1] ?? problem)).toEqual(shares);
    expect(startProblems(wish({ plan: chosen(text) }))).toEqual([]);
  });

  describe("on DynamoDB", () => {
    const problemsWith = (changes: Partial<ChosenPlan>) =>
      startProblems(wish({ plan: chosen("1%:10m,100%:1d", changes), isDynamodb: true }));

    test("needs a word about the offset, because daemons of 2016 know none", () => {
      const [problem = ""] = problemsWith({});
      expect(problem).toContain("the plan names no offset, and a daemon of 2016");
      expect(problem).toContain('write into [plans.checkout] offset = "random" if no such daemon is left');
      expect(problem).toContain("with 0, a false alarm repeats for the same visitors");
      expect(problemsWith({ name: undefined })[0]).toContain(
        "give the plan a name in the configuration file",
      );
      expect(problemsWith({ offset: 0.125 })[0]).toContain("the plan's offset is 0.125");
      expect(problemsWith({ offset: "random" })).toEqual([]);
      expect(problemsWith({ offset: 0 })).toEqual([]);
    });

    test("with the offset 0 is told what follows", () => {
      const plan = chosen("1%:10m,100%:1d", { offset: 0 });
      expect(startRemarks(wish({ plan, isDynamodb: true }))[0]).toContain("begins with the same visitors");
      expect(startRemarks(wish({ plan }))).toEqual([]);
    });
  });
});

describe("the word for a plan", () => {
  const named = { ...chosen("1%:10m,100%:1d"), name: "checkout" };
  const standard = { ...chosen("5%:10m,100%:1d"), name: "default" };
  const choose = (word: string | undefined) => choosePlan(word, [standard, named]);

  test("is a name, or a line, or nothing", () => {
    expect(choose("checkout")).toEqual({ kind: "plan", plan: named });
    expect(choose(undefined)).toEqual({ kind: "plan", plan: standard });
    expect(choose("2%:1h,100%")).toMatchObject({
      kind: "plan",
      plan: { name: undefined, plan: { text: "2%:1h,100%:approve" }, inconclusive: "pause", windows: [] },
    });
  });

  test("that is neither has a message", () => {
    expect(choose("chekout")).toEqual({
      kind: "no-such-plan",
      message: '"chekout": no plan has this name; did you mean checkout?',
    });
    expect(choose("1%:banana")).toMatchObject({
      kind: "problems",
      problems: { problems: [{ column: 1 }, {}] },
    });
  });
});
