/** The laws of a write by a controller. */

import { isUnderWay, type Release } from "../../../src/releases/release.ts";
import type { Now } from "../../../src/releases/request.ts";
import { nowIn } from "../../../src/verbs/look.ts";
import type { Call } from "../client.ts";
import type { Commit } from "../engine.ts";
import { type Fault, type History, who } from "./history.ts";
import { waitFault } from "./waits.ts";

/** A write of a release, and the state before it. */
export interface Step {
  readonly commit: Commit;
  readonly call: Call;
  readonly was: Now;
  readonly now: Now;
  readonly before: Release;
  readonly after: Release;
}

export function controllerFault(commit: Commit, was: Now, now: Now, history: History): Fault {
  const what = who(commit);
  if (commit.after === undefined) return ["11", `${what}: it is removed`];
  if (now.isMalformed) return ["11", `${what}, which is malformed`];
  // A trial of the rights met a record that was just removed. Without a record it counted as 0 too.
  if (commit.before === undefined && now.found.kind === "none" && now.rollout === 0) return undefined;
  if (was.found.kind !== "release" || now.found.kind !== "release") {
    const isTakenBack = was.found.kind === "problem" && now.rollout === 0;
    return isTakenBack ? undefined : ["11", `${what}, whose release it cannot read`];
  }
  const [before, after] = [was.found.release, now.found.release];
  const step: Step = { commit, call: commit.by.call as Call, was, now, before, after };
  if (before.key !== after.key) return ["11", `${what} with another release`];
  if (now.rollout > was.rollout) return raisedFault(step, history);
  if (after.state === "running" || after.state === "promoted") {
    return ["15", `${what}, which is ${after.state} without a step forward`];
  }
  return loweredFault(step, history);
}

/** An advance: the only way up for a controller. */
function raisedFault(step: Step, history: History): Fault {
  const { commit, call, was, now, before, after } = step;
  const { application, version, by } = commit;
  const what = `${by.name} raised ${version} from ${was.rollout} to ${now.rollout}`;
  const { plan } = was;
  if (plan === undefined) return ["15", `${what} by a plan that cannot be read`];
  if (before.state !== "running") return ["11", `${what} while it was ${before.state}`];
  const [from, to] = [plan.steps[before.step - 1], plan.steps[before.step]];
  if (after.step !== before.step + 1 || from === undefined || to === undefined) {
    return ["15 folded", `${what}: from step ${before.step} to step ${after.step}`];
  }
  if (now.rollout !== to.rollout) return ["15 share", `${what}, and the step has ${to.rollout}`];
  if (was.rollout !== before.wrote[0] || was.offset !== before.wrote[1]) {
    return ["11 foreign", `${what} over a rollout that the release did not write`];
  }
  if (was.rollout !== from.rollout) return ["15 share", `${what}, and its step had ${from.rollout}`];
  if (now.offset !== was.offset) return ["15 offset", `${what} with another offset`];
  const wanted = to === plan.steps.at(-1) ? "promoted" : "running";
  if (after.state !== wanted) return ["15", `${what} and made it ${after.state}`];
  const behind = history.knowledge(call.process).isBehind(application, version, before);
  if (behind !== undefined) return ["17", `${what} at seq ${before.seq}, although ${behind}`];
  return waitFault(step, from, plan, what, history);
}

/** A pause, an abort, or a step of a fade. */
function loweredFault(step: Step, history: History): Fault {
  const { commit, was, now, before, after } = step;
  const what = `${who(commit)} ${before.state} → ${after.state} at ${now.rollout}`;
  if (isForeign(step) && now.rollout !== was.rollout && now.rollout !== 0) {
    return ["11", `${what} over a person's rollout of ${was.rollout}`];
  }
  if (after.state === "paused") {
    if (now.rollout !== was.rollout) return ["11", `${what} with another rollout`];
    if (!isUnderWay(before)) return ["11", `${what}: it was over`];
  }
  if (after.state === "finished" && before.state !== "finished") {
    return ["11", `${what}: only a person finishes`];
  }
  const why = isUnderWay(before) ? reasonFault(step, history) : undefined;
  return why === undefined ? undefined : ["15 reason", `${what} with the reason ${after.reason}: ${why}`];
}

/** Why the reason of the write is not true. */
function reasonFault(step: Step, { knowledge, verdicts }: History): string | undefined {
  const { commit, call, was, before, after } = step;
  const { application, version } = commit;
  switch (after.reason) {
    case "foreign-zero":
      return isForeign(step) && was.rollout === 0 ? undefined : "no other program wrote 0";
    case "foreign-change":
      if (!isForeign(step)) return "no other program wrote";
      return was.rollout === 0 && before.wrote[0] > 0 ? "a rollout of 0 aborts" : undefined;
    case "other-version": {
      const seen = call.reads.get(application);
      const other = seen === undefined ? undefined : nowIn(seen.snapshot, version).otherVersion;
      return other === undefined ? "there is none" : undefined;
    }
    case "store-went-back":
      return knowledge(call.process).mayBeBehind(application, version, before)
        ? undefined
        : "it has seen nothing newer";
    case "inconclusive":
      return was.plan?.steps[before.step - 1]?.wait.ok?.boundMs === undefined
        ? "its step has no bound"
        : undefined;
    default: {
      const isVerdict = verdicts.get(before.key)?.has(after.reason ?? "") ?? false;
      return after.state === "aborted" && isVerdict ? undefined : "there was no such verdict";
    }
  }
}

function isForeign({ was, before }: Step): boolean {
  return was.rollout !== before.wrote[0] || was.offset !== before.wrote[1];
}
