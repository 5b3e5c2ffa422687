/** Makes the writes of the machine: each has a new `seq`, a new `tx`, and a line in the log. Pure. */

import type { Failsafe } from "../circle.ts";
import { refused } from "./outcome.ts";
import type { Plan, Step } from "./plan.ts";
import { type ArcSince, isUnderWay, type Release, recordMs, timeText } from "./release.ts";
import { bare, clipped, fitted } from "./release-field.ts";
import type { Notice, Now, Outcome, Stamp } from "./request.ts";

/** The changes of a transition. Fields of the record that are not named stay as they are. */
export interface Change {
  readonly rollout?: number;
  readonly offset?: number;
  readonly failsafe?: Failsafe;
  readonly release: Partial<Release>;
  readonly notice: Notice;
  /** Whether the log gets no line, and `since` stays. Otherwise both get the same time. */
  readonly isUnlogged?: boolean;
}

/**
 * The write of a change. If there is no room in the record, the end of a release is written bare, and any
 * other change is refused.
 */
export function transition(now: Now, before: Release, change: Change, stamp: Stamp): Outcome {
  const { rollout = now.rollout, offset = now.offset, failsafe = now.failsafe, notice } = change;
  const next = { ...before, ...change.release };
  const isNewArc = !isLastArc(next.arcs, rollout, offset);
  const nowMs = isNewArc ? arcTimeMs(next.arcs, stamp) : recordMs(stamp.nowMs);
  const release: Release = {
    ...next,
    since: change.isUnlogged ? before.since : timeText(nowMs),
    wrote: [rollout, offset],
    arcs: isNewArc ? [...next.arcs, [nowMs, rollout, offset]] : next.arcs,
    seq: before.seq + 1,
    tx: stamp.tx,
  };
  const author = clipped(stamp.author);
  const log: Release["log"] = change.isUnlogged
    ? release.log
    : [...release.log, [release.seq, nowMs, release.state, release.step, rollout, author]];
  const fitting = fitted({ ...release, log });
  if (fitting === undefined && isUnderWay(release)) return refused("too-large", { release: before });
  return { kind: "write", rollout, offset, failsafe, release: fitting ?? bare(release), notice };
}

/** The changes by which a release comes to a step, counted from 1, with its whole wait. */
export function atStep(now: Now, release: Release, plan: Plan, step: number): Omit<Change, "notice"> {
  const { rollout } = stepOf(plan, step);
  const isPromoted = step === plan.steps.length;
  const holds = isPromoted && release.failsafe === "hold" && now.failsafe !== "hold";
  const back = isPromoted ? {} : failsafeBack(release);
  return {
    rollout,
    ...back,
    ...(holds ? { failsafe: "hold" } : {}),
    release: {
      state: isPromoted ? "promoted" : "running",
      step,
      ...(isPromoted ? {} : { was: undefined }),
      ...(holds ? { was: now.failsafe } : {}),
      from: undefined,
      approved: undefined,
      reason: undefined,
    },
  };
}

/** Step `step` of a plan, counted from 1. */
export function stepOf(plan: Plan, step: number): Step {
  return plan.steps[step - 1] as Step;
}

/** The record's failsafe as it was before the promotion, if the promotion changed it. */
export function failsafeBack({ was }: Release): { readonly failsafe?: Failsafe } {
  return was === undefined ? {} : { failsafe: was };
}

function isLastArc(arcs: readonly ArcSince[], rollout: number, offset: number): boolean {
  const last = arcs.at(-1);
  return last?.[1] === rollout && last[2] === offset;
}

/** The clock of this writer may be behind. Arcs in another order would have no time between them. */
function arcTimeMs(arcs: readonly ArcSince[], { nowMs }: Stamp): number {
  const last = arcs.at(-1);
  return recordMs(last === undefined ? nowMs : Math.max(nowMs, last[0] + 1));
}
