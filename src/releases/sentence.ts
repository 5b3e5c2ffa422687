/**
 * The sentence that tells a transition of a release, for commands, logs, notices and pages. Pure.
 *
 *     release 7 of website: step 3/5, canary 5% → 25% for 1h+ok (ok was skipped)
 *
 * It has no author, no reason and no time, because a log line and a notice have these in fields of their own.
 */

import { exactDurationText, rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";
import type { Condition } from "./due.ts";
import { type Plan, waitText } from "./plan.ts";
import { PlanProblems, parsePlan } from "./plan-parser.ts";
import type { Release } from "./release.ts";
import type { Notice } from "./request.ts";

export interface ToldTransition {
  readonly application: string;
  readonly version: string;
  readonly notice: Notice;
  /** The release after the transition. */
  readonly release: Pick<Release, "id" | "of" | "plan" | "state" | "step" | "fade">;
  /** The rollout of the record before the transition, and after it. */
  readonly before: number;
  readonly after: number;
  /** The result of `skippedText`; empty if nothing was skipped. */
  readonly skipped?: string;
}

/** One safe line without a full stop at its end. */
export function transitionSentence(told: ToldTransition): string {
  return oneLine(`${releaseName(told.application, told.release)}${SENTENCES[told.notice](told)}`);
}

/** `release 7 of website`. */
export function releaseName(application: string, { id }: Pick<Release, "id">): string {
  return `release ${id} of ${application}`;
}

/** `step 3/5`; `step 3` if this program cannot read the plan. */
export function stepPlace({ step, plan }: Pick<Release, "step" | "plan">): string {
  const count = planIn(plan)?.steps.length;
  return count === undefined ? `step ${step}` : `step ${step}/${count}`;
}

/**
 * `10m of 30m and ok were skipped`: all that was not yet true when a person went on. Approval is left out,
 * because going on is the approval.
 */
export function skippedText(conditions: readonly Condition[]): string {
  const skipped = conditions.flatMap((condition) =>
    condition.state === "met" ? [] : (conditionText(condition) ?? []),
  );
  const last = skipped.at(-1);
  if (last === undefined) return "";
  if (skipped.length === 1) return `${last} was skipped`;
  return `${skipped.slice(0, -1).join(", ")} and ${last} were skipped`;
}

function conditionText(condition: Condition): string | undefined {
  switch (condition.kind) {
    case "time":
      return `the rest of ${exactDurationText(condition.ofMs)}`;
    case "ok":
      return "ok";
    case "check":
      return `check(${condition.name})`;
    case "sign":
      return `the sign ${condition.name}`;
    case "windows":
      return "the window";
    case "freeze":
      return "the freeze";
    default:
      return undefined;
  }
}

const SENTENCES: Readonly<Record<Notice, (told: ToldTransition) => string>> = {
  started: (told) =>
    ` (${told.release.of}) started: ${stepPlace(told.release)}, ${wayText(told)}${forText(told)}`,
  replaced: (told) =>
    ` (${told.release.of}) started in place of what ${told.version} had: ${stepPlace(told.release)}, ` +
    `${wayText(told)}${forText(told)}`,
  advanced: (told) =>
    `: ${stepPlace(told.release)}, ${wayText(told)}${forText(told)}${inBrackets(told.skipped)}`,
  promoted: (told) =>
    ` promoted: ${stepPlace(told.release)}, ${wayText(told)}${forText(told)}${inBrackets(told.skipped)}`,
  paused: (told) => ` paused at ${stepPlace(told.release)}: ${wayText(told)}`,
  inconclusive: (told) =>
    ` paused at ${stepPlace(told.release)}, because the judge was not sure in time: ${wayText(told)}`,
  "foreign-zero": (told) => ` aborted at ${stepPlace(told.release)} by another writer: ${wayText(told)}`,
  "foreign-change": (told) => ` paused at ${stepPlace(told.release)} by another writer: ${wayText(told)}`,
  "other-version": (told) =>
    ` paused at ${stepPlace(told.release)}, because another version has visitors too: ${wayText(told)}`,
  resumed: (told) => ` resumed: ${stepPlace(told.release)}, ${wayText(told)}${forText(told)}`,
  aborted: (told) => `${endText(told)}: ${wayText(told)}`,
  finished: (told) => `${endText(told)}: ${wayText(told)}`,
  fading: (told) => {
    const { fade } = told.release;
    if (told.before !== told.after) return ` fades: ${wayText(told)}`;
    const over = fade === undefined ? "slowly" : `over ${exactDurationText(fade[2])}`;
    return `${endText(told)}: ${told.version} ${rolloutText(told.before)} → 0% ${over}`;
  },
  "fade-over": (told) => ` has faded: ${wayText(told)}`,
  "fade-stopped": (told) => ` fades no more, because of another writer: ${wayText(told)}`,
  restored: (told) =>
    told.release.state === "paused"
      ? ` paused at ${stepPlace(told.release)}, because the store went back to an older state: ${wayText(told)}`
      : ` is ${told.release.state}, although the store went back to an older state: ${wayText(told)}`,
  cleared: (told) => `: a sign was cleared, and holds it back no longer; ${wayText(told)}`,
};

/** `canary 5% → 25%`, or `canary stays at 5%`. */
function wayText({ version, before, after }: ToldTransition): string {
  return before === after
    ? `${version} stays at ${rolloutText(after)}`
    : `${version} ${rolloutText(before)} → ${rolloutText(after)}`;
}

/** ` for 1h+ok`; nothing if this program cannot read the plan. */
function forText({ release }: ToldTransition): string {
  const step = planIn(release.plan)?.steps[release.step - 1];
  const wait = step === undefined ? "" : waitText(step.wait);
  return wait === "" ? "" : wait === "approve" ? " until a person promotes it" : ` for ${wait}`;
}

function endText({ release }: ToldTransition): string {
  return release.state === "finished" ? " finished" : ` aborted at ${stepPlace(release)}`;
}

function inBrackets(text = ""): string {
  return text === "" ? "" : ` (${text})`;
}

function planIn(text: string): Plan | undefined {
  const plan = parsePlan(text);
  return plan instanceof PlanProblems ? undefined : plan;
}
