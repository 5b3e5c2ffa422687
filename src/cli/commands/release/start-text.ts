/** The words around the start of a release. Pure. */

import { roundText } from "../../../judge/figures.ts";
import { visitorsWithoutErrors } from "../../../judge/gate-needs.ts";
import type { Plan } from "../../../releases/plan.ts";
import { waitText } from "../../../releases/plan.ts";
import { unableRemedy, unableText } from "../../../releases/rights-remedy.ts";
import { releaseName } from "../../../releases/sentence.ts";
import { leastMs, timetable } from "../../../releases/timetable.ts";
import type { StoreFlags } from "../../../settings/store-flags.ts";
import { exactDurationText, rolloutText } from "../../../text/amounts.ts";
import { oneLine } from "../../../text/one-line.ts";
import type { ChosenPlan } from "../../../verbs/chosen-plan.ts";
import { commandLine } from "../../../verbs/command-line.ts";
import type { Target } from "../../../verbs/look.ts";
import { timetableText } from "../plan/page.ts";

const DAY_MS = 86_400_000;

/** A release that has started, or that would. */
export interface Opening {
  readonly target: Target;
  readonly id: number;
  readonly of: string;
  readonly chosen: ChosenPlan;
  /** The rollout of the record before. */
  readonly before: number;
  readonly storeFlags: StoreFlags;
}

/**
 *     release 7 of website: v42 by plan default, 5 steps, 2h40m at least, then 1 day of watching
 *       step 1/5: canary 0% → 1% for 10m        to take everyone back: maxwells-daemon abort
 */
export function openingText(opening: Opening): string {
  const { target, of, chosen, before, storeFlags } = opening;
  const { application, version } = target;
  const { steps } = chosen.plan;
  const [first] = steps;
  const wait = first === undefined ? "" : waitText(first.wait);
  const forWait = wait === "approve" ? " until a person promotes it" : ` for ${wait}`;
  const way = `${version} ${rolloutText(before)} → ${rolloutText(first?.rollout ?? 0)}${forWait}`;
  return lines([
    `${releaseName(application, opening)}: ${of} by ${planName(chosen)}, ${lengthText(chosen.plan)}`,
    `  step 1/${steps.length}: ${way}        to take everyone back: ${commandLine(storeFlags, application, "abort")}`,
    "  master's servers keep what they run until the promotion, because they take everyone back;",
    `  then deploy ${of} there too, and say so: ${commandLine(storeFlags, application, "finish", "-deployed", of)}`,
    ...judgeText(chosen.plan),
  ]);
}

/** The operator must know before the first step on what it waits. */
function judgeText({ steps }: Plan): string[] {
  const step = steps.findIndex(({ wait }) => wait.ok !== undefined) + 1;
  const { rollout = 0 } = steps[step - 1] ?? {};
  if (step === 0 || rollout >= 1) return [];
  const visitors = roundText(visitorsWithoutErrors(rollout, steps[step]?.rollout ?? 1));
  return [
    `  the judge takes a bad canary back; its ok for step ${step} needs about ${visitors} visitors of both versions`,
    "  whose outcomes the proxies report, and more if some of them meet errors",
  ];
}

/** All that would happen, without the way back. */
export function dryRunText(opening: Opening, offset: string, nowMs: number): string {
  const { chosen } = opening;
  const times = timetable(chosen.plan, chosen.windows, nowMs);
  const rows = [
    `  offset        ${offset}`,
    `  inconclusive  ${chosen.inconclusive}`,
    `  failsafe      ${chosen.failsafe}`,
    ...chosen.windows.map(
      ({ text }, index) => `  ${index === 0 ? "windows       " : "              "}${text}`,
    ),
  ];
  const table = timetableText(chosen.plan, times).replace(/^(?=.)/gm, "  ");
  return `this would start:\n${openingText(opening)}\n${table}\n${lines(rows)}`;
}

function planName({ name, plan }: ChosenPlan): string {
  return name === undefined ? `the plan ${plan.text}` : `plan ${name}`;
}

function lengthText(plan: Plan): string {
  const { steps } = plan;
  const least = leastMs(plan);
  const bakeMs = steps.at(-1)?.wait.minMs ?? 0;
  return [
    steps.length === 1 ? "1 step" : `${steps.length} steps`,
    ...(least === 0 ? [] : [`${exactDurationText(least)} at least`]),
    ...(bakeMs === 0 ? [] : [`then ${daysText(bakeMs)} of watching`]),
  ].join(", ");
}

/** `1 day`, `2 days`, `1d12h`. */
function daysText(ms: number): string {
  const days = ms / DAY_MS;
  if (!Number.isInteger(days)) return exactDurationText(ms);
  return days === 1 ? "1 day" : `${days} days`;
}

/**
 * The words for a person if no daemon leads the release.
 *
 * @param unable the daemons that would lead it if the store took their writes
 */
export function unledText(
  { target, id, chosen, storeFlags }: Opening,
  unable: readonly string[],
): {
  readonly text: string;
  readonly remedy: string;
} {
  const { application, version } = target;
  const share = rolloutText(chosen.plan.steps[0]?.rollout ?? 0);
  return {
    text: oneLine(
      `${releaseName(application, { id })} was written, but no daemon said within 10 s that it leads it: it stays at ` +
        `step 1, with ${version} at ${share}, and nothing but a person takes it forward or back` +
        (unable.length === 0 ? "" : `. ${unableText(unable)}`),
    ),
    remedy: [
      unable.length === 0
        ? "start a daemon with -releases on: it goes on with the release by itself"
        : unableRemedy(unable),
      `or go on by hand: ${commandLine(storeFlags, application, "promote", "-expect-step", "1")}`,
      `or take everyone back: ${commandLine(storeFlags, application, "abort")}`,
      "to start a release that no daemon leads, add -unattended",
    ]
      .map(oneLine)
      .join("\n"),
  };
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${oneLine(text)}\n`).join("");
}
