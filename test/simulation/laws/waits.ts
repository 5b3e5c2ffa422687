/**
 * The laws of a wait. The way they count time:
 *
 *   - A controller must have watched a state itself, on its monotonic clock, for the wait or 60 s, whichever
 *     is less. After a gap, or if the store has no clock, or its clock ran ahead, it must be the whole wait.
 *   - By the store's clock, the whole wait must have passed since `since`. The controller knows that clock to
 *     a second, because an answer that takes longer than two seconds does not count.
 *
 * `since` is a little older than the write that has it, because the clock is asked before the write. For a
 * wait of more than 60 s, a write that was late by some seconds may cut that wait by these seconds.
 */

import { Problem } from "../../../src/config/option.ts";
import { visitorsWithoutErrors } from "../../../src/judge/gate-needs.ts";
import type { Plan, Step as PlanStep } from "../../../src/releases/plan.ts";
import { AHEAD_MS_MAX, WATCH_MS_MAX } from "../../../src/releases/watch.ts";
import { isOpen as isWindowOpen, parseWindow } from "../../../src/releases/windows.ts";
import { FREEZE, freezeIn } from "../../../src/verbs/freeze.ts";
import { nowIn } from "../../../src/verbs/look.ts";
import type { Step } from "./controllers.ts";
import { type Fault, type History, seconds } from "./history.ts";
import { nowOfRecord, type Sight } from "./knowledge.ts";

/** The error of a controller's idea of the store's clock: half a round trip. */
const CLOCK_ERROR_MS = 1_000;

/** The store's clock may look ahead by this more: two samples, each with its error. */
const AHEAD_TOLERANCE_MS = 2 * CLOCK_ERROR_MS + 500;

/** Facts are so old at most: an attempt takes ten seconds, and a read five more. */
const FACTS_MS = 16_000;

const EVIDENCE_MS = 30_000;

/** The number of visitors is exact up to some thousand, and estimated above that. */
const SKETCH_ERROR = 0.93;

/** Rounding of floating point. */
const ROUNDING_MS = 0.01;

export function waitFault(step: Step, from: PlanStep, plan: Plan, what: string, history: History): Fault {
  const { before, commit, call } = step;
  const { minMs, ok, approve, checks } = from.wait;
  if (approve && before.approved !== before.step) return ["15 approve", `${what} without approval`];
  const unheard = ok === undefined ? undefined : okFault(step, what, history);
  if (unheard !== undefined) return unheard;
  const missing = checks.find((check) => !history.hasPassed(check));
  if (missing !== undefined) return ["15 check", `${what}, and check(${missing}) does not pass`];
  const hasOk = plan.steps.some(({ wait }) => wait.ok !== undefined);
  const open =
    (hasOk && history.hasEvidence ? evidenceFault(step, what) : undefined) ??
    freeFault(step, what) ??
    windowFault(step, what, history);
  if (open !== undefined || minMs === 0) return open;
  const sights = history.knowledge(call.process).sights(commit.application, commit.version, before.tx);
  if (sights === undefined) return ["15", `${what}: it has not seen the state that it went on from`];
  const { first, again = first } = sights;
  const fault = watchFault(step, minMs, first, what, history);
  // A release that was gone for a moment may have a new watch.
  return fault === undefined || again === first ? fault : watchFault(step, minMs, again, what, history);
}

/** `ok` needs visitors heard in this step: without any error, it is this many. */
function okFault({ commit, was, now }: Step, what: string, { engine, visitorsSince }: History): Fault {
  const began = engine.commits.findLast(
    ({ application, version, before, after, index }) =>
      index < commit.index &&
      application === commit.application &&
      version === commit.version &&
      nowOfRecord(version, before).rollout !== nowOfRecord(version, after).rollout,
  );
  const visitors = visitorsSince(began?.atMs ?? 0);
  const needed = visitorsWithoutErrors(was.rollout, now.rollout);
  return visitors < needed * SKETCH_ERROR
    ? ["12", `${what} with ok, and ${visitors} visitors of ${Math.ceil(needed)} were heard`]
    : undefined;
}

function watchFault(
  { commit, call, before }: Step,
  minMs: number,
  sight: Sight,
  what: string,
  { engine, unhealthyMs, knowledge }: History,
): Fault {
  // The clock of the call, and not of this moment: the machine may have been suspended since, and its
  // monotonic clock does not count that.
  const { process, calledAtMs, clockMs } = call;
  // The write may reach the store long after the call. A gap since the call says nothing of the wait before.
  const gapMs = knowledge(process).gapBetween(commit.application, sight.clockMs, clockMs, unhealthyMs);
  const ownMs = clockMs - (gapMs ?? sight.clockMs);
  const storeMs = engine.storeMsAt(calledAtMs);
  const aheadMs = storeMs - sight.storeMs - (clockMs - sight.clockMs);
  const isAhead = aheadMs > AHEAD_MS_MAX + AHEAD_TOLERANCE_MS;
  const isWhole = !engine.options.hasClock || gapMs !== undefined || isAhead;
  const needMs = isWhole ? minMs : Math.min(minMs, WATCH_MS_MAX);
  if (ownMs < needMs - ROUNDING_MS) {
    const why = isWhole ? "the whole wait" : "the wait";
    return ["15 watch", `${what}: it watched ${seconds(ownMs)} of ${why}, ${seconds(needMs)}`];
  }
  if (isWhole || ownMs >= minMs - ROUNDING_MS) return undefined;
  const passedMs = storeMs - Date.parse(before.since);
  return passedMs < minMs - CLOCK_ERROR_MS
    ? ["15 wait", `${what} after ${seconds(passedMs)} of ${seconds(minMs)}`]
    : undefined;
}

/** By the controller's monotonic clock, which does not count the time of a suspended machine. */
function evidenceFault({ call }: Step, what: string): Fault {
  const clockMs = call.reads.get("evidence")?.clockMs;
  return clockMs === undefined || call.clockMs - clockMs > EVIDENCE_MS + FACTS_MS
    ? ["12 evidence", `${what}, and it has not read the evidence for 30 s`]
    : undefined;
}

/** A closed window, by the clock that the controller can know. */
function windowFault(
  { call: { calledAtMs, wallMs }, before }: Step,
  what: string,
  { engine }: History,
): Fault {
  const windows = (before.windows ?? []).map(parseWindow);
  const epochMs = engine.options.hasClock ? engine.storeMsAt(calledAtMs) : wallMs;
  const isClosed = (ms: number) =>
    windows.every((window) => !(window instanceof Problem) && !isWindowOpen(window, ms));
  // A window may have closed since the controller looked, or the store's clock may have jumped.
  const beforeMs = engine.options.hasClock ? engine.storeMsAt(calledAtMs - FACTS_MS) : epochMs - FACTS_MS;
  return windows.length > 0 && [epochMs, epochMs - FACTS_MS, beforeMs].every(isClosed)
    ? ["15 window", `${what} outside its windows`]
    : undefined;
}

/** Neither frozen nor beside another version, as far as the controller could know. */
function freeFault({ commit, call: { reads, calledAtMs } }: Step, what: string): Fault {
  const { application, version } = commit;
  const freeze = reads.get(FREEZE.application);
  if (freeze === undefined || calledAtMs - freeze.givenAtMs > FACTS_MS) {
    return ["freeze", `${what}, and it has not read the freeze`];
  }
  if (freezeIn(freeze.snapshot).isFrozen) return ["freeze", `${what} during a freeze`];
  const seen = reads.get(application);
  const otherVersion = seen === undefined ? undefined : nowIn(seen.snapshot, version).otherVersion;
  return otherVersion === undefined ? undefined : ["other version", `${what} beside ${otherVersion}`];
}
