/**
 * The plan of a release: its steps, and the wait of each. Plain data, and the same on every daemon.
 *
 *     1%:10m,5%:30m+ok,25%:1h+approve+check(load),100%:1d
 *
 * `plan-parser.ts` reads this line, and `planText` writes it.
 */

import { exactDurationText, rolloutText } from "../text/amounts.ts";

/** A plan has at most this many steps. */
export const STEPS_MAX = 32;

/** The line of a plan has at most this many bytes, because the record of the version holds it. */
export const PLAN_BYTES_MAX = 512;

/**
 * A share has at most this many decimals of a percent. So the smallest one is 0.000001%, one visitor of a
 * hundred million. The line of a plan holds every such share exactly.
 */
export const SHARE_DECIMALS_MAX = 6;

/** A wait, and the bound of `ok`, are whole seconds from this to `WAIT_MS_MAX`, in milliseconds. */
export const WAIT_MS_MIN = 1_000;
export const WAIT_MS_MAX = 90 * 86_400_000;

/** All that must be true at the same time before the next step. It names one thing at least. */
export interface Wait {
  /** The step lasts at least this long, in milliseconds; 0 if the plan names no duration. */
  readonly minMs: number;
  /** Set if the judge must pass this step. `boundMs` is from the beginning of the step, and above `minMs`. */
  readonly ok?: { readonly boundMs?: number };
  /** Whether a person must say `promote`. */
  readonly approve: boolean;
  /** The names of checks, each once, in the order of the plan. */
  readonly checks: readonly string[];
}

export interface Step {
  /** A fraction above 0, above that of the step before, and at most 1. */
  readonly rollout: number;
  /** The wait of the last step is the bake. */
  readonly wait: Wait;
}

/** The last step has rollout 1, and it does not wait for `ok`, because no control group is left there. */
export interface Plan {
  /** The line, as `planText` writes it. */
  readonly text: string;
  /** From 1 to `STEPS_MAX`. */
  readonly steps: readonly Step[];
}

/**
 * The one line of these steps. `parsePlan` reads the same steps from it. A step that only waits for approval
 * says so, unless the line has no room for that.
 */
export function planText(steps: readonly Step[]): string {
  const whole = steps.map(stepText).join(",");
  return whole.length <= PLAN_BYTES_MAX ? whole : whole.replaceAll(APPROVAL_ALONE, "");
}

/** The wait of a step that only waits for approval, which the line of a plan may leave out. */
const APPROVAL_ALONE = /:approve(?=,|$)/g;

/** `5%:30m+ok`. */
export function stepText({ rollout, wait }: Step): string {
  return `${rolloutText(rollout)}:${waitText(wait)}`;
}

/** `30m+ok<2h+approve+check(load)`: the terms in this order. */
export function waitText({ minMs, ok, approve, checks }: Wait): string {
  const bound = ok?.boundMs === undefined ? "" : `<${exactDurationText(ok.boundMs)}`;
  return [
    ...(minMs > 0 ? [exactDurationText(minMs)] : []),
    ...(ok === undefined ? [] : [`ok${bound}`]),
    ...(approve ? ["approve"] : []),
    ...checks.map((name) => `check(${name})`),
  ].join("+");
}
