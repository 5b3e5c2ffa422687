/**
 * The conditions for which a release waits. They are derived from the plan and the facts of one moment, and
 * never stored. Pure. The machine advances a running release only if each condition is met.
 */

import type { Plan } from "./plan.ts";
import type { Release } from "./release.ts";
import type { Waiting } from "./request.ts";
import { isOf, type TimePassed, timePassed, type Watch } from "./watch.ts";

/** A controller that has not read the evidence for longer advances no step of a plan that names `ok`. */
export const EVIDENCE_AGE_MS_MAX = 30_000;

/** The facts of one moment. An undefined fact is unknown, and does not let a release go on. */
export interface DueFacts {
  readonly watch: Watch;
  /** The judge's word on this step. */
  readonly ok: "pass" | "watch" | undefined;
  /** The age of the evidence that was read last. */
  readonly evidenceAgeMs: number | undefined;
  /** The signs that the judge has raised in this release, also those that a person has cleared. */
  readonly signs: readonly string[];
  /** Checks by name: whether each is passed now. One that is not there is unknown. */
  readonly checks: ReadonlyMap<string, boolean>;
  /** Whether a window is open now; undefined if one cannot be read, or if the time is not known. */
  readonly isOpen: boolean | undefined;
  /** Whether a person has frozen all releases. */
  readonly isFrozen: boolean;
}

/** One thing that must be true, and how far it is. */
export type Condition = Waiting &
  (
    | ({ readonly kind: "time"; readonly ofMs: number } & TimePassed)
    /** `ofMs`: the bound after which the judge's silence is inconclusive; undefined for none. */
    | { readonly kind: "ok"; readonly passedMs: number; readonly ofMs: number | undefined }
    | { readonly kind: "evidence"; readonly ageMs: number | undefined }
    | { readonly kind: "check" | "sign"; readonly name: string }
    /** `plan`: this program cannot read the plan. `resume`: a person must resume the release. */
    | { readonly kind: "approve" | "windows" | "freeze" | "plan" | "resume" | "fade" }
  );

/**
 * The conditions in the order of the plan; empty for a release that is over.
 *
 * @param plan undefined if this program cannot read it
 */
export function waitingFor(release: Release, plan: Plan | undefined, facts: DueFacts): Condition[] {
  const { state } = release;
  if (state === "paused") return [{ kind: "resume", state: "waiting" }];
  if (state === "aborted" || state === "finished") {
    return release.fade === undefined ? [] : [{ kind: "fade", state: "waiting" }];
  }
  const step = plan?.steps[release.step - 1];
  if (plan === undefined || step === undefined) return [{ kind: "plan", state: "unknown" }];
  const time = timeOf(release, step.wait.minMs, facts);
  const { ok, approve, checks, minMs } = step.wait;
  // The bake has no next step. When it is over, a person may finish the release.
  if (state === "promoted") return [time, ...checks.map((name) => checkOf(name, facts))];
  return [
    ...(minMs > 0 ? [time] : []),
    ...(ok === undefined ? [] : [okOf(release, ok.boundMs, facts)]),
    ...(approve ? [condition("approve", release.approved === release.step)] : []),
    ...checks.map((name) => checkOf(name, facts)),
    ...(plan.steps.some(({ wait }) => wait.ok !== undefined) ? [evidenceOf(facts)] : []),
    ...signsOf(release, facts),
    ...(release.windows === undefined ? [] : [condition("windows", facts.isOpen)]),
    ...(facts.isFrozen ? [condition("freeze", false)] : []),
  ];
}

function timeOf(release: Release, ofMs: number, { watch }: DueFacts): Condition {
  const passed = passedOf(release, watch, ofMs);
  return { kind: "time", state: passed.isOver ? "met" : "waiting", ofMs, ...passed };
}

/** A watch of another state says nothing about this one, so its time has not begun. */
function passedOf(release: Release, watch: Watch, ofMs: number): TimePassed {
  return timePassed(
    isOf(watch, release) ? watch : { ...watch, watchedMs: 0, isWhole: true },
    sinceMs(release),
    ofMs,
  );
}

/** A pass counts also if it comes after the bound. */
function okOf(release: Release, boundMs: number | undefined, { watch, ok }: DueFacts): Condition {
  const { isOver, passedMs } = passedOf(release, watch, boundMs ?? 0);
  const isLate = boundMs !== undefined && isOver;
  const state = ok === "pass" ? "met" : isLate ? "inconclusive" : "waiting";
  return { kind: "ok", state, passedMs, ofMs: boundMs };
}

function evidenceOf({ evidenceAgeMs }: DueFacts): Condition {
  const isFresh = evidenceAgeMs !== undefined && evidenceAgeMs <= EVIDENCE_AGE_MS_MAX;
  return { kind: "evidence", state: isFresh ? "met" : "waiting", ageMs: evidenceAgeMs };
}

/** A sign holds the release back until a person clears it. */
function signsOf({ cleared = [] }: Release, { signs }: DueFacts): Condition[] {
  return signs
    .filter((sign) => !cleared.some(([name]) => name === sign))
    .map((name) => ({ kind: "sign", name, state: "waiting" }));
}

function checkOf(name: string, { checks }: DueFacts): Condition {
  return { kind: "check", name, state: stateOf(checks.get(name)) };
}

function condition(kind: "approve" | "windows" | "freeze", isMet: boolean | undefined): Condition {
  return { kind, state: stateOf(isMet) };
}

function stateOf(isMet: boolean | undefined): Waiting["state"] {
  return isMet === undefined ? "unknown" : isMet ? "met" : "waiting";
}

function sinceMs({ since }: Release): number {
  return Date.parse(since);
}
