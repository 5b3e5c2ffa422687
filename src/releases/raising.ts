/**
 * The verbs that may raise: advance, promote, resume, release. Each is pinned to the release and the step
 * that its writer saw first, so a second writer never makes it go one step too far.
 */

import { asSettled, settled } from "./foreign.ts";
import { ended, faded, paused } from "./lowering.ts";
import { error, noOp, refused } from "./outcome.ts";
import type { Plan } from "./plan.ts";
import { FORMAT, isUnderWay, type Release, timeText } from "./release.ts";
import { clipped } from "./release-field.ts";
import type { Now, Outcome, RefusedFacts, Request, Stamp } from "./request.ts";
import { atStep, failsafeBack, stepOf, transition } from "./transition.ts";

type Asked<Verb extends Request["verb"]> = Extract<Request, { readonly verb: Verb }>;

/** A controller's look: a foreign write first, then a fade, then another version, then the next step. */
export function advance(now: Now, release: Release, request: Asked<"advance">, stamp: Stamp): Outcome {
  const settling = settled(now, release, stamp);
  if (settling.kind !== "no-op") return settling;
  if (!isUnderWay(release)) return faded(now, release, request.seenMs ?? 0, stamp);
  if (release.state === "paused") return noOp("paused");
  const { step, seq } = request.pin;
  if (step !== release.step || seq !== release.seq) return noOp("stale");
  const isMet = request.waits.length > 0 && request.waits.every(({ state }) => state === "met");
  if (release.state === "promoted") return noOp(isMet ? "bake-over" : "promoted");
  if (now.otherVersion !== undefined) return paused(now, release, "other-version", "other-version", stamp);
  const plan = planOf(now, release);
  if (plan === undefined) return noOp("unknown-plan");
  if (request.waits.some(({ state }) => state === "inconclusive")) {
    const reason = "inconclusive";
    return release.inconclusive === "abort"
      ? ended(now, release, { state: "aborted", reason, overMs: 0 }, stamp)
      : paused(now, release, reason, "inconclusive", stamp);
  }
  return isMet ? nextStep(now, release, plan, release.step, stamp) : noOp("waiting");
}

/** A person's word for the next step. It skips all that is not yet true. */
export function promote(now: Now, release: Release, request: Asked<"promote">, stamp: Stamp): Outcome {
  const { state } = asSettled(now, release);
  if (!isUnderWay({ state })) return error("over");
  if (state === "promoted") return noOp("promoted");
  if (state === "paused" && !request.resume) return refused("paused", { release });
  // A promotion to a share may be repeated: the release is there.
  if (state === "running" && request.to === now.rollout) return noOp("running");
  if (request.pin.step !== release.step) return refused("stale", { release, found: release.step });
  const plan = planOf(now, release);
  const problem = hindrance(now, plan, release);
  if (problem !== undefined || plan === undefined) return problem ?? refused("unknown-plan", { release });
  const step = state === "paused" ? stepBelow(plan, now.rollout) : release.step;
  if (step === 0) return refused("below-first-step", { release });
  const next = Math.min(step + 1, plan.steps.length);
  const { rollout } = stepOf(plan, next);
  if (request.to !== undefined && request.to !== rollout) {
    return refused("other-share", { release, found: rollout });
  }
  return nextStep(now, release, plan, step, stamp);
}

/** Law 11: it goes on at the last step whose share is not above the present rollout, with a whole wait. */
export function resume(now: Now, release: Release, { pin }: Asked<"resume">, stamp: Stamp): Outcome {
  const { state } = asSettled(now, release);
  if (!isUnderWay({ state })) return error("over");
  if (state === "running" || state === "promoted") return noOp(state);
  if (pin.step !== release.step) return refused("stale", { release, found: release.step });
  const plan = planOf(now, release);
  const problem = hindrance(now, plan, release);
  if (problem !== undefined || plan === undefined) return problem ?? refused("unknown-plan", { release });
  const step = stepBelow(plan, now.rollout);
  if (step === 0) return refused("below-first-step", { release });
  return transition(now, release, { ...atStep(now, release, plan, step), notice: "resumed" }, stamp);
}

/**
 * A new release. With `replace` it takes the place of one that is not over, or takes over a rollout above 0.
 *
 * @param old the release that is there; undefined if there is none that can be read
 */
export function begin(now: Now, old: Release | undefined, request: Asked<"release">, stamp: Stamp): Outcome {
  const { start, replace, seenKey, reason } = request;
  if (now.isMalformed) return refused("malformed-record", facts(old));
  if (keyOf(now) !== seenKey) return refused("replaced", facts(old));
  const current = old === undefined ? undefined : asSettled(now, old);
  const isReplacing = current !== undefined && isUnderWay(current);
  if (isReplacing && (current.state === "promoted" || current.from === "promoted")) {
    return refused("finish-first", facts(old));
  }
  if (isReplacing && !replace) return refused("under-way", facts(old));
  if (now.otherVersion !== undefined) {
    return refused("other-version", { ...facts(old), found: now.otherVersion });
  }
  if (now.rollout > 0 && !replace) return refused("in-use", { ...facts(old), found: now.rollout });
  const back = { ...now, ...(old === undefined ? {} : failsafeBack(old)) };
  const fresh = freshRelease(start, old?.seq ?? 0, stamp);
  const first = atStep(back, fresh, start.plan, 1);
  return transition(
    back,
    fresh,
    {
      ...first,
      offset: start.offset,
      release: { ...first.release, reason: reason === undefined ? undefined : clipped(reason) },
      notice: isReplacing || now.rollout > 0 ? "replaced" : "started",
    },
    stamp,
  );
}

/** The key of the release that is there, as far as this program can read it; null if there is none. */
function keyOf({ found }: Now): string | null {
  if (found.kind === "none") return null;
  return found.kind === "release" ? found.release.key : (found.key ?? null);
}

function nextStep(now: Now, release: Release, plan: Plan, step: number, stamp: Stamp): Outcome {
  const next = Math.min(step + 1, plan.steps.length);
  const notice = next === plan.steps.length ? "promoted" : "advanced";
  return transition(now, release, { ...atStep(now, release, plan, next), notice }, stamp);
}

/** The last step whose share is not above a rollout, counted from 1; 0 if there is none. */
function stepBelow(plan: Plan, rollout: number): number {
  return plan.steps.findLastIndex((step) => step.rollout <= rollout) + 1;
}

/** The plan, if it can be read and has the step of the release. */
function planOf({ plan }: Now, { step }: Release): Plan | undefined {
  return plan !== undefined && step <= plan.steps.length ? plan : undefined;
}

/** The reasons that hold back each verb of a person that may raise. */
function hindrance(now: Now, plan: Plan | undefined, release: Release): Outcome | undefined {
  if (now.isMalformed) return refused("malformed-record", { release });
  if (plan === undefined) return refused("unknown-plan", { release });
  if (now.otherVersion !== undefined) return refused("other-version", { release, found: now.otherVersion });
  return undefined;
}

/** The release before its first write. `seq` goes on from the release before it. */
function freshRelease(start: Start, seq: number, stamp: Stamp): Release {
  const { key, id, of, plan, offset, inconclusive, failsafe, windows, slow, weights } = start;
  return {
    ...{ format: FORMAT, key, id, of, plan: plan.text, state: "running", step: 1 },
    ...{ since: timeText(stamp.nowMs), inconclusive, failsafe, windows, slow, weights },
    ...{ arcs: [], wrote: [0, offset], seq, tx: stamp.tx, log: [], others: {} },
  };
}

type Start = Asked<"release">["start"];

function facts(release: Release | undefined): RefusedFacts {
  return release === undefined ? {} : { release };
}
