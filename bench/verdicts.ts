/**
 * The judge: the cost of a verdict, the promise that a sound release is almost never aborted, and how soon a
 * harm is found.
 */

import { evidenceOf, isHarm } from "../src/judge/abort.ts";
import { ERRORS, weightsOf } from "../src/judge/metrics.ts";
import { SEGMENTS_MAX } from "../src/judge/segment.ts";
import { verdict } from "../src/judge/verdict.ts";
import type { Plan } from "../src/releases/plan.ts";
import { PlanProblems, parsePlan } from "../src/releases/plan-parser.ts";
import { assignmentIn, type Draw, seededDraw } from "../src/simulate/draws.ts";
import { runRelease } from "../src/simulate/run.ts";
import { isAborted } from "./judged-release.ts";
import { limitRow, median, type Row, thousands } from "./report.ts";
import type { Setup } from "./setup.ts";
import { uglySite } from "./ugly-site.ts";

const VERDICT_MS_AT_MOST = 1;
const VERDICTS = 500;

const ABORTED_PERCENT_AT_MOST = 5;
const RELEASES = { full: 10_000, quick: 1_000 } as const;
const HOUR_MS = 3_600_000;

/** The whole program judges the releases by the clock. For those with `ok` its formulas alone do it. */
const PROMISES = [
  ["by the clock, by the whole program", "1%:30m,5%:30m,25%:30m,50%:30m,100%:1h", isAborted],
  ["with ok, by the formulas", "1%:10m+ok,5%:10m+ok,25%:10m+ok,50%:10m+ok,100%:1h", isAbortedByFormulas],
] as const;

/**
 * Canary requests until a harm is found, if one request in a hundred fails: half of the releases need no more
 * than the first number, and nine of ten no more than the second. `docs/judging.md` has the same table.
 */
const FACTORS = [10, 5, 2, 1.5] as const;
const POWER: readonly (readonly [rollout: number, expected: readonly (readonly [number, number])[]])[] = [
  [
    0.01,
    [
      [36, 82],
      [110, 246],
      [1_090, 2_500],
      [3_980, 9_600],
    ],
  ],
  [
    0.05,
    [
      [38, 86],
      [120, 272],
      [1_140, 2_480],
      [4_300, 9_700],
    ],
  ],
  [
    0.25,
    [
      [62, 118],
      [174, 360],
      [1_450, 3_280],
      [5_400, 12_600],
    ],
  ],
  [
    0.5,
    [
      [100, 190],
      [274, 570],
      [2_300, 5_200],
      [8_200, 18_600],
    ],
  ],
];
const BASE = 0.01;
const POWER_PERCENT_AT_MOST = 10;
const POWER_RUNS = { full: 5_000, quick: 2_000 } as const;

export async function benchVerdicts(setup: Setup): Promise<Row[]> {
  const length = setup.turns > 3 ? "full" : "quick";
  const rows = [verdictRow()];
  for (const [name, plan, isBad] of PROMISES) {
    rows.push(promiseRow(name, plan, isBad, RELEASES[length]));
    setup.say(`${rows.at(-1)?.what}: ${rows.at(-1)?.figure}`);
  }
  for (const [rollout, expected] of POWER) rows.push(powerRow(rollout, expected, POWER_RUNS[length]));
  return rows;
}

/** The longest release, with few coins, so that no term of a sum can be left out. */
function verdictRow(): Row {
  const draw = seededDraw(1);
  const weights = Object.entries(weightsOf({ bounds: 3, isBroughtTold: true }));
  const metrics = weights.map(([name, weight], index) => ({
    ...{ name, weight, visitors: index < 2 ? 10_000 : undefined },
    segments: Array.from({ length: SEGMENTS_MAX }, (_, place) => {
      const rollout = (1 + Math.floor(place / 16)) / 40;
      return {
        rollout,
        control: 1 - rollout,
        canary: Math.floor(2 * draw()),
        master: Math.floor(4 * draw()),
      };
    }),
  }));
  const facts = {
    ...{ metrics, isAborted: false, stepMs: HOUR_MS, stepFrom: 400, rolloutNext: 1, signs: [] },
    reach: undefined,
  };
  const times = Array.from({ length: VERDICTS }, () => {
    const beganAtMs = performance.now();
    verdict(facts);
    return performance.now() - beganAtMs;
  });
  const what = `judge: a verdict on ${SEGMENTS_MAX} segments and ${metrics.length} metrics`;
  return limitRow(what, median(times), "ms", `median of ${VERDICTS}`, VERDICT_MS_AT_MOST);
}

function isAbortedByFormulas(...release: Parameters<typeof runRelease>): boolean {
  return runRelease(...release).end === "aborted";
}

function promiseRow(name: string, text: string, isBad: typeof isAborted, releases: number): Row {
  const plan = planOf(text);
  const site = uglySite(6 * HOUR_MS);
  const weights = weightsOf({ bounds: 0, isBroughtTold: true });
  let aborted = 0;
  for (let seed = 0; seed < releases; seed++) {
    if (isBad(plan, weights, site.traffic(seed, 1), assignmentIn(seed, seed))) aborted++;
  }
  return limitRow(
    `judge: sound releases of an ugly site that it aborts, ${name}`,
    (100 * aborted) / releases,
    "%",
    `${thousands(aborted)} of ${thousands(releases)}`,
    ABORTED_PERCENT_AT_MOST,
  );
}

/** The number that is farthest from the expected one counts, of all factors. */
function powerRow(rollout: number, expected: (typeof POWER)[number][1], runs: number): Row {
  const found = FACTORS.map((psi, index) => {
    const times = timesToFind(rollout, psi, runs, seededDraw(index)).toSorted((a, b) => a - b);
    return [median(times), times[Math.ceil(0.9 * runs) - 1] ?? Number.NaN] as const;
  });
  const off = found.flatMap((pair, index) =>
    pair.map((requests, place) => 100 * Math.abs(requests / (expected[index]?.[place] ?? Number.NaN) - 1)),
  );
  const shown = FACTORS.map((psi, index) => `×${psi}: ${(found[index] ?? []).map(thousands).join(" / ")}`);
  return limitRow(
    `judge: canary requests until a harm is found at ${100 * rollout} %, off the expected`,
    Math.max(...off),
    "%",
    `median / nine of ten ${shown.join(", ")}`,
    POWER_PERCENT_AT_MOST,
  );
}

/** The canary's requests until the abort, of each run. Each request is another visitor's. */
function timesToFind(rollout: number, psi: number, runs: number, draw: Draw): number[] {
  const control = 1 - rollout;
  const weight = weightsOf({ bounds: 3, isBroughtTold: true })[ERRORS] ?? Number.NaN;
  const ofCanary = BASE * psi;
  const ofBoth = ofCanary + (BASE * control) / rollout;
  return Array.from({ length: runs }, () => {
    const segment = { rollout, control, canary: 0, master: 0 };
    for (let requests = 0; ; ) {
      requests -= Math.log1p(-draw()) / ofBoth;
      if (draw() * ofBoth >= ofCanary) segment.master++;
      else {
        segment.canary++;
        if (isHarm(evidenceOf({ name: ERRORS, weight, segments: [segment] }))) return requests;
      }
    }
  });
}

function planOf(text: string): Plan {
  const plan = parsePlan(text);
  if (plan instanceof PlanProblems) throw new Error(`the plan ${text} cannot be read`);
  return plan;
}
