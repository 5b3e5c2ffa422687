/** A release and outcomes that were saved as JSON, for the judge to look at later. Pure. */

import { VERSION } from "../circle.ts";
import { SEGMENTS_MAX } from "../judge/segment.ts";

/** A release as a file has it: times in seconds, from any beginning. */
export interface SavedRelease {
  /** In the order of their times. A rollout of null ends the release. */
  readonly plan: readonly { readonly at: number; readonly rollout: number | null }[];
  /** In [0, 1). */
  readonly offset: number;
  /** The bounds of the slow metrics, ascending; none without them. */
  readonly slowBoundsMs: readonly number[];
}

/** An outcome as a line of a file has it. */
export interface SavedOutcome {
  /** When the request was decided, in seconds. */
  readonly t: number;
  /** The visitor's assignment, in [0, 1). */
  readonly u: number;
  readonly location: string;
  readonly status: number;
  /** The duration of the answer in milliseconds; undefined if it is not known. */
  readonly ms: number | undefined;
  /** Whether the visitor brought its assignment. */
  readonly brought: boolean;
  readonly forced: boolean;
  /** The visitor's address; undefined if it is not known. */
  readonly source: string | undefined;
}

/** A mistake in a file: one sentence without a full stop. */
export interface Wrong {
  readonly wrong: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** More steps than a release of any length has. */
const PLAN_MAX = SEGMENTS_MAX;

/** As many bounds as a plan may have. */
const BOUNDS_MAX = 3;

export function readSavedRelease(text: string): SavedRelease | Wrong {
  const fields = objectOf(text);
  if (fields === undefined) return { wrong: "it is not a JSON object" };
  const { plan, offset = 0, slowBoundsMs = [] } = fields;
  if (!Array.isArray(plan) || plan.length === 0 || plan.length > PLAN_MAX) {
    return { wrong: 'its "plan" must be a list of steps such as { "at": 0, "rollout": 0.05 }' };
  }
  for (const [place, step] of plan.entries()) {
    const fault = faultOfStep(step, plan[place - 1], place === plan.length - 1);
    if (fault !== undefined) return { wrong: `step ${place + 1} of its "plan" ${fault}` };
  }
  if (plan[0]?.rollout === null) return { wrong: 'its "plan" ends before the first step' };
  if (!isNumber(offset) || offset < 0 || offset >= 1) {
    return { wrong: 'its "offset" must be a number from 0 to less than 1' };
  }
  const areBounds =
    Array.isArray(slowBoundsMs) &&
    slowBoundsMs.length <= BOUNDS_MAX &&
    slowBoundsMs.every((bound, place) => isNumber(bound) && bound > (slowBoundsMs[place - 1] ?? 0));
  if (!areBounds) {
    return { wrong: `its "slowBoundsMs" must be a list of at most ${BOUNDS_MAX} ascending numbers` };
  }
  return { plan, offset, slowBoundsMs };
}

export function readSavedOutcome(line: string): SavedOutcome | Wrong {
  const fields = objectOf(line);
  if (fields === undefined) return { wrong: "it is not a JSON object" };
  const { t, u, location = "", status, ms, brought = false, forced = false, source } = fields;
  if (!isNumber(t)) return { wrong: '"t" must be a number of seconds' };
  if (!isNumber(u) || u < 0 || u >= 1) {
    return { wrong: '"u" must be an assignment, a number from 0 to less than 1' };
  }
  if (typeof location !== "string" || (location !== "" && !VERSION.test(location))) {
    return { wrong: '"location" must be the name of a version, or master' };
  }
  if (!isNumber(status) || !Number.isInteger(status) || status < 0 || status > 999) {
    return { wrong: '"status" must be the status of an answer, such as 200, or 0 if the visitor left' };
  }
  if (ms !== undefined && ms !== null && !(isNumber(ms) && ms >= 0)) {
    return { wrong: '"ms" must be a number of milliseconds' };
  }
  if (typeof brought !== "boolean" || typeof forced !== "boolean") {
    return { wrong: '"brought" and "forced" must be true or false' };
  }
  if (source !== undefined && typeof source !== "string") return { wrong: '"source" must be an address' };
  return { t, u, location, status, ms: ms ?? undefined, brought, forced, source };
}

function faultOfStep(step: unknown, before: Fields | undefined, isLast: boolean): string | undefined {
  if (typeof step !== "object" || step === null) return "is not an object";
  const { at, rollout }: Fields = { ...step };
  if (!isNumber(at)) return 'has no "at", a number of seconds';
  if (before !== undefined && !(at > Number(before["at"]))) return "begins before the step before it";
  if (rollout === null) return isLast ? undefined : "has the rollout null, which ends the release, too early";
  return isNumber(rollout) && rollout >= 0 && rollout <= 1 ? undefined : 'has no "rollout" from 0 to 1';
}

function objectOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
