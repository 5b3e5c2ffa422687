/**
 * Reads the line of a plan. Pure, and it never throws.
 *
 *     plan = step *( "," step )
 *     step = share [ ":" wait ]                       without a wait, it waits for approval
 *     wait = term *( "+" term )                       all of them must be true at the same time
 *     term = duration | "ok" [ "<" duration ] | "approve" | "check(" name ")"
 *
 * Spaces around a part do not count. All problems are found at once, each with its column.
 */

import { Problem } from "../config/option.ts";
import { parseLongDuration, parseRollout } from "../config/values.ts";
import { exactDurationText, rolloutText } from "../text/amounts.ts";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import {
  PLAN_BYTES_MAX,
  type Plan,
  planText,
  SHARE_DECIMALS_MAX,
  STEPS_MAX,
  type Step,
  WAIT_MS_MAX,
  WAIT_MS_MIN,
  type Wait,
} from "./plan.ts";

/** The name of a check, as it stands in `check(load)`. */
export const CHECK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface PlanProblem {
  /** The place in the text, in UTF-16 units; the first one is 1. */
  readonly column: number;
  /** The mistake, and then the remedy. */
  readonly message: string;
}

/** All problems of a plan's text, by their columns. There is at least one. */
export class PlanProblems {
  readonly problems: readonly PlanProblem[];
  constructor(problems: readonly PlanProblem[]) {
    this.problems = problems;
  }
}

/** A part of the text without the spaces around it. */
interface Part {
  readonly text: string;
  /** The index of its first character in the whole text. */
  readonly start: number;
}

type Report = (part: Part, message: string) => void;

/** Reads the one line of a plan. */
export function parsePlan(text: string): Plan | PlanProblems {
  if (Buffer.byteLength(text) > PLAN_BYTES_MAX) return tooLong();
  const problems: PlanProblem[] = [];
  const report: Report = ({ start }, message) => problems.push({ column: start + 1, message });

  const parts = split(trimmed({ text, start: 0 }), ",");
  const surplus = parts[STEPS_MAX];
  if (surplus !== undefined) report(surplus, `a plan has at most ${STEPS_MAX} steps; leave some out`);
  const steps: Step[] = [];
  let before = 0;
  for (const [index, part] of parts.slice(0, STEPS_MAX).entries()) {
    const { share, wait } = stepParts(part);
    const rollout = readShare(share, before, report);
    if (rollout !== undefined) before = rollout;
    if (index === parts.length - 1 && rollout !== undefined && rollout < 1) {
      report(share, `the last step is ${rolloutText(rollout)}; end the plan with 100%, such as 100%:1d`);
    }
    steps.push({ rollout: rollout ?? 0, wait: readWait(wait, rollout, report) });
  }
  if (problems.length > 0) return new PlanProblems(problems.sort((a, b) => a.column - b.column));
  const spelt = planText(steps);
  return Buffer.byteLength(spelt) > PLAN_BYTES_MAX ? tooLong() : { text: spelt, steps };
}

function tooLong(): PlanProblems {
  const message = `the plan is longer than ${PLAN_BYTES_MAX} bytes; use fewer steps`;
  return new PlanProblems([{ column: 1, message }]);
}

/** The share and the wait of a step; the wait is absent if there is no colon. */
function stepParts(step: Part): { share: Part; wait: Part | undefined } {
  const colon = step.text.indexOf(":");
  if (colon < 0) return { share: step, wait: undefined };
  return {
    share: trimmed({ text: step.text.slice(0, colon), start: step.start }),
    wait: trimmed({ text: step.text.slice(colon + 1), start: step.start + colon + 1 }),
  };
}

/** The rollout of a step; undefined if it cannot be read. */
function readShare(share: Part, before: number, report: Report): number | undefined {
  if (share.text === "") {
    report(share, "a step is missing here; write its share, such as 5%:30m");
    return undefined;
  }
  const rollout = parseRollout(share.text);
  if (rollout instanceof Problem) {
    report(share, `${quote(share.text)} is not a share; ${rollout.message}`);
  } else if (rollout === 0) {
    report(share, "a step of 0% serves no visitor; begin above 0%, such as 1%");
  } else if (rollout !== Number(`${(rollout * 100).toFixed(SHARE_DECIMALS_MAX)}e-2`)) {
    report(share, `this share is too fine; write at most ${SHARE_DECIMALS_MAX} decimals of a percent`);
  } else if (rollout <= before) {
    const wrong = rollout === before ? "the share of the step before too" : "less than the step before";
    report(share, `${rolloutText(rollout)} is ${wrong}; write more than ${rolloutText(before)}`);
    return rollout;
  } else {
    return rollout;
  }
  return undefined;
}

/** @param rollout undefined if the share cannot be read */
function readWait(wait: Part | undefined, rollout: number | undefined, report: Report): Wait {
  if (wait === undefined) return { minMs: 0, approve: true, checks: [] };
  let minMs: number | undefined;
  let ok: { readonly part: Part; readonly boundMs?: number } | undefined;
  let approve = false;
  const checks: string[] = [];
  for (const part of split(wait, "+")) {
    const term = readTerm(part, report);
    if (term === undefined) continue;
    const isDoubled =
      (term.kind === "duration" && minMs !== undefined) ||
      (term.kind === "ok" && ok !== undefined) ||
      (term.kind === "approve" && approve) ||
      (term.kind === "check" && checks.includes(term.name));
    if (isDoubled) report(part, `${quote(part.text)}: a step has only one ${nameOf(term)}; remove one`);
    else if (term.kind === "duration") minMs = term.ms;
    else if (term.kind === "ok") ok = { ...term, part };
    else if (term.kind === "approve") approve = true;
    else checks.push(term.name);
  }
  if (ok !== undefined && rollout === 1) {
    report(ok.part, "at 100% no control group is left, so ok never comes; put ok into the step before");
  }
  if (ok?.boundMs !== undefined && minMs !== undefined && ok.boundMs <= minMs) {
    const least = exactDurationText(minMs);
    report(ok.part, `ok must come before the step has lasted ${least}; write a bound above ${least}`);
  }
  const bound = ok?.boundMs === undefined ? {} : { boundMs: ok.boundMs };
  return { minMs: minMs ?? 0, ...(ok && { ok: bound }), approve, checks };
}

type Term =
  | { readonly kind: "duration"; readonly ms: number }
  | { readonly kind: "ok"; readonly boundMs?: number }
  | { readonly kind: "approve" }
  | { readonly kind: "check"; readonly name: string };

function nameOf(term: Term): string {
  return term.kind === "check" ? `check(${term.name})` : term.kind;
}

function readTerm(part: Part, report: Report): Term | undefined {
  const { text } = part;
  if (text === "") {
    report(part, "a term is missing here; write a duration such as 30m, ok, approve or check(NAME)");
  } else if (text === "approve" || text === "ok") {
    return { kind: text };
  } else if (/^ok\s*</.test(text)) {
    const start = text.indexOf("<") + 1;
    const boundMs = readDuration(trimmed({ text: text.slice(start), start: part.start + start }), report);
    return boundMs === undefined ? undefined : { kind: "ok", boundMs };
  } else if (text.startsWith("check(")) {
    const name = text.slice("check(".length, -1);
    if (text.endsWith(")") && CHECK_NAME.test(name)) return { kind: "check", name };
    report(part, `${quote(text)}: write check(NAME), with a name of letters, digits, ".", "_" and "-"`);
  } else if (/^[\d.]/.test(text)) {
    const ms = readDuration(part, report);
    return ms === undefined ? undefined : { kind: "duration", ms };
  } else {
    const meant = nearest(text, ["ok", "approve", "check(NAME)"]);
    report(part, `${quote(text)}: write a duration such as 30m, ok, approve or check(NAME)${meant}`);
  }
  return undefined;
}

function readDuration(part: Part, report: Report): number | undefined {
  const read = parseLongDuration(part.text);
  if (read instanceof Problem) {
    report(part, `${quote(part.text)}: ${read.message}`);
    return undefined;
  }
  // Fractions of a unit are not exact: 1.1h is 3960000.0000000005 ms.
  const ms = Number(read.toPrecision(12));
  if (ms >= WAIT_MS_MIN && ms <= WAIT_MS_MAX && ms % 1000 === 0) return ms;
  const range = `${exactDurationText(WAIT_MS_MIN)} to ${exactDurationText(WAIT_MS_MAX)}`;
  report(part, `${quote(part.text)}: write a duration from ${range}, in whole seconds`);
  return undefined;
}

function split({ text, start }: Part, separator: string): Part[] {
  let at = start;
  return text.split(separator).map((each) => {
    const part = trimmed({ text: each, start: at });
    at += each.length + 1;
    return part;
  });
}

function trimmed({ text, start }: Part): Part {
  return { text: text.trim(), start: start + (text.length - text.trimStart().length) };
}
