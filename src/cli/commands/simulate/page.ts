/** The answers of a simulation as a page for people, and as a document for programs. Pure. */

import { timeText, wholeText } from "../../../judge/figures.ts";
import { visitorsWithoutErrors } from "../../../judge/gate-needs.ts";
import type { Plan } from "../../../releases/plan.ts";
import type { Answers, HarmAnswer, Spread } from "../../../simulate/answers.ts";
import { RUN_MS_MAX } from "../../../simulate/run.ts";
import { rolloutText } from "../../../text/amounts.ts";
import { aligned, columns } from "../../../text/columns.ts";

const MINUTE_MS = 60_000;

/** A step that takes this many times the time of its plan waits for visitors. */
const LONG = 3;

export interface SimulatedPlan {
  readonly plan: Plan;
  /** The traffic in one line. */
  readonly traffic: string;
  readonly answers: Answers;
}

export function simulationPage({ plan, traffic, answers }: SimulatedPlan): string {
  const { runs, aborted } = answers;
  return [
    aligned([
      ["plan", plan.text],
      ["traffic", traffic],
      [
        "simulated",
        `${wholeText(runs)} releases of a sound canary, ${wholeText(answers.harms[0]?.runs ?? 0)} of each harmful one`,
      ],
    ]),
    "\n",
    `A sound canary is aborted in ${percentText(aborted, runs)} of all releases. The promise is at most 5%.\n`,
    `${reachedText(plan, answers)}\n`,
    hintText(plan, answers),
    "\n",
    columns(
      ["errors", "found in", "half of them within", "nine of ten within", "visitors hurt"],
      answers.harms.map(harmRow),
    ),
    "\n",
    "Times are from the beginning of the release. Approvals, checks and windows are met at once.\n",
  ].join("");
}

/** The same for programs: times in seconds, null if fewer than half, or nine of ten, came so far. */
export function simulationDocument({ plan, traffic, answers }: SimulatedPlan): object {
  return {
    ...{ plan: plan.text, traffic, runs: answers.runs, aborted: answers.aborted, reached: answers.reached },
    ...secondsOf(answers.time),
    steps: answers.stepMs.map((ms, index) => ({ rollout: plan.steps[index]?.rollout, medianS: seconds(ms) })),
    harms: answers.harms.map(({ time, ...rest }) => ({ ...rest, ...secondsOf(time) })),
  };
}

function harmRow({ factor, runs, found, time, hurt }: HarmAnswer): string[] {
  return [
    `${factor} times`,
    percentText(found, runs),
    spanText(time.medianMs),
    spanText(time.mostMs),
    wholeText(hurt),
  ];
}

function reachedText(plan: Plan, { runs, reached, aborted, time, stepMs }: Answers): string {
  const days = RUN_MS_MAX / 86_400_000;
  const waiting = runs - reached - aborted;
  const stuck =
    waiting === 0
      ? ""
      : ` In ${percentText(waiting, runs)}, the judge did not pass a step within its bound, or within ${days} days.`;
  const steps = plan.steps
    .filter(({ rollout }) => rollout < 1)
    .map(({ rollout }, index) => `${rolloutText(rollout)} ${spanText(stepMs[index])}`);
  const times = steps.length === 0 ? "" : `\nIts steps take: ${steps.join(", ")}.`;
  if (time.medianMs === undefined) return `It seldom reaches all visitors.${stuck}${times}`;
  const most = time.mostMs === undefined ? "" : `, and nine of ten within ${spanText(time.mostMs)}`;
  return `Half of the releases reach all visitors within ${spanText(time.medianMs)}${most}.${stuck}${times}`;
}

/** Advice if the first step takes long because few visitors come. */
function hintText({ steps }: Plan, { stepMs }: Answers): string {
  const [first, second] = steps;
  if (first?.wait.ok === undefined || second === undefined || first.rollout >= second.rollout) return "";
  const [ms = RUN_MS_MAX] = stepMs;
  if (ms < LONG * Math.max(first.wait.minMs, 5 * MINUTE_MS)) return "";
  const [needed, fewer] = [first.rollout, (first.rollout + second.rollout) / 2].map((rollout) =>
    visitorsWithoutErrors(rollout, second.rollout),
  );
  return (
    `The first step waits for ${wholeText(needed ?? 0)} visitors. With ${rolloutText((first.rollout + second.rollout) / 2)} ` +
    `it would wait for ${wholeText(fewer ?? 0)}.\n`
  );
}

function percentText(count: number, of: number): string {
  if (of === 0 || count === 0) return "0%";
  if (count === of) return "100%";
  return `${Number(((100 * count) / of).toPrecision(2))}%`;
}

/** A time without `about`, because all times here are estimates. */
function spanText(ms: number | undefined): string {
  return ms === undefined ? "never" : timeText(ms / MINUTE_MS).replace(/^about /, "");
}

function secondsOf({ medianMs, mostMs }: Spread): object {
  return { medianS: seconds(medianMs), nineOfTenS: seconds(mostMs) };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms / 1_000);
}
