/**
 * The words for each reason why the machine of releases wrote nothing. Pure. The tables have an entry for
 * each code, also for those that only daemons meet, so that a new code cannot be without words.
 */

import { RELEASE_BYTES_MAX } from "../releases/release.ts";
import type { Misused, NoOp, Refused } from "../releases/request.ts";
import { rolloutText } from "../text/amounts.ts";
import {
  deployedText,
  deployOrder,
  finishOrUndo,
  foundShare,
  isFading,
  line,
  nameOf,
  nextStepLine,
  notPromoted,
  ofText,
  pinnedStep,
  placeText,
  resumeFlag,
  stateOf,
  takeBack,
  type Unwritten,
  unknownPlanText,
  unreadableText,
  visitorsText,
  wantedShare,
  wayBack,
  whatOf,
} from "./unwritten.ts";

/** The fact, and the advice. */
export interface Reason {
  readonly text: string;
  readonly remedy?: string;
}

type Says = (unwritten: Unwritten) => Reason;

const LATER = "a controller looks again by itself";

/** There is nothing to do, so a repeated verb ends like this, too. */
export const NO_OPS: Readonly<Record<NoOp, Says>> = {
  "no-release": (of) => ({ text: `${whatOf(of)} has no release${visitorsText(of)}`, ...takeBack(of) }),
  gone: (of) => ({ text: `the release of ${whatOf(of)} is gone` }),
  replaced: (of) => ({ text: `${nameOf(of)} took the place of the release that was meant` }),
  unreadable: (of) => ({ text: unreadableText(of) }),
  "malformed-record": (of) => ({ text: `the record of ${whatOf(of)} is malformed, so it counts as 0%` }),
  over: (of) => ({ text: `${nameOf(of)} is ${stateOf(of)} already${visitorsText(of)}`, ...takeBack(of) }),
  "not-foreign": (of) => ({ text: `${nameOf(of)} has the rollout that it wrote` }),
  waiting: (of) => ({ text: `${nameOf(of)} waits, ${placeText(of)}` }),
  stale: (of) => ({ text: `${nameOf(of)} has changed in the meantime`, remedy: LATER }),
  "unknown-plan": (of) => ({ text: unknownPlanText(of) }),
  paused: (of) => ({ text: `${nameOf(of)} is paused already, ${placeText(of)}` }),
  running: (of) => ({ text: `${nameOf(of)} is running already, ${placeText(of)}` }),
  promoted: (of) => ({ text: `${nameOf(of)} is promoted already, ${placeText(of)}`, ...finishOrUndo(of) }),
  "bake-over": (of) => ({
    text: `${nameOf(of)} is promoted, and its last wait is over`,
    ...finishOrUndo(of),
  }),
  "verdict-after-promotion": (of) => ({
    text: `${nameOf(of)} is promoted, so the judge's abort is only a notice`,
    ...finishOrUndo(of),
  }),
  "at-zero": (of) => ({ text: `${whatOf(of)} is at 0% already; ${unreadableText(of)}` }),
  "fade-waits": (of) => ({ text: `${nameOf(of)} fades, ${placeText(of)}`, remedy: LATER }),
  cleared: (of) => ({ text: `${nameOf(of)} has this sign cleared already` }),
  "not-behind": (of) => ({ text: `the store has not lost a state of ${nameOf(of)}` }),
};

/** The verb is possible in general, but not now. `conflict`: the release is not as the caller expected. */
export const REFUSED: Readonly<
  Record<Refused, { readonly exit: "failed" | "conflict"; readonly says: Says }>
> = {
  stale: conflict((of) => ({
    text: `${nameOf(of)} is ${placeText(of)}, and not at step ${pinnedStep(of)}`,
    remedy: `look at it with ${line(of, "release")}, and decide again`,
  })),
  replaced: conflict((of) => ({
    text: `${nameOf(of)} took the place of the release that was meant`,
    remedy: `look at it with ${line(of, "release")}, and decide again`,
  })),
  "other-share": conflict((of) => ({
    text: `the next step of ${nameOf(of)} is ${foundShare(of)}${wantedShare(of)}`,
    remedy: `to go there: ${line(of, "promote", "-to", foundShare(of), ...resumeFlag(of))}`,
  })),
  "other-of": conflict((of) => ({
    text: `${nameOf(of)} is a release of ${ofText(of)}${deployedText(of)}`,
    remedy: deployOrder(of),
  })),
  "other-version": failed((of) => {
    const other = String(of.facts.found ?? "another version");
    return {
      text: `${other} of ${of.looked.target.application} has visitors or a release too, and a release needs master beside it`,
      remedy: `end that first: ${line(of, "set", other, "0%")}`,
    };
  }),
  paused: failed((of) => ({
    text: `${nameOf(of)} is paused, ${placeText(of)}`,
    remedy:
      `to go to the next step: ${nextStepLine(of)}\n` + `to go on with this step: ${line(of, "resume")}`,
  })),
  "under-way": failed((of) => ({
    text: `${nameOf(of)} is ${stateOf(of)}, ${placeText(of)}`,
    remedy: `to end it: ${line(of, "abort")}\nto begin another one in its place, add -replace`,
  })),
  "in-use": failed((of) => {
    const share = rolloutText(of.looked.now.rollout);
    return {
      text: isFading(of)
        ? `${nameOf(of)} still fades: ${whatOf(of)} is at ${share}`
        : `${whatOf(of)} is at ${share} without a release`,
      remedy: `to take everyone back first: ${wayBack(of)}\nto begin at the plan's first step from here, add -replace`,
    };
  }),
  "finish-first": failed((of) => ({
    text: `${nameOf(of)} is promoted, and it must be finished or undone before another release begins`,
    ...finishOrUndo(of),
  })),
  "below-first-step": failed((of) => ({
    text: `${whatOf(of)} is at ${rolloutText(of.looked.now.rollout)}, below the first step of ${nameOf(of)}, and resume never raises`,
    remedy: `end it, and begin again: ${line(of, "abort")}`,
  })),
  "unknown-plan": failed((of) => ({
    text: unknownPlanText(of),
    remedy: `use the version of this program that began it; ${line(of, "abort")} works all the same`,
  })),
  unreadable: failed((of) => ({
    text: unreadableText(of),
    remedy: `use a newer version of this program; ${line(of, "abort")} takes everyone back all the same`,
  })),
  "malformed-record": failed((of) => ({
    text: `the record of ${whatOf(of)} is malformed, so it counts as 0%`,
    remedy: `to end the release, and mend the record: ${line(of, "abort")}`,
  })),
  "too-large": failed((of) => ({
    text: `${nameOf(of)} has no room for another change in its record (${RELEASE_BYTES_MAX} bytes)`,
    remedy: `it can only end: ${line(of, "abort")}`,
  })),
};

/** The verb makes no sense in this state. */
export const MISUSED: Readonly<Record<Misused, Says>> = {
  "no-release": (of) => ({
    text: `${whatOf(of)} has no release to ${of.request.verb}`,
    remedy: "a release begins with maxwells-daemon release VERSION PLAN -of NAME",
  }),
  over: (of) => ({
    text: `${nameOf(of)} is ${stateOf(of)}, so there is nothing to ${of.request.verb}${visitorsText(of)}`,
    ...takeBack(of),
  }),
  running: (of) => ({
    text: `${nameOf(of)} is running, ${placeText(of)}; only a promoted release can be finished`,
    remedy: notPromoted(of),
  }),
  paused: (of) => ({
    text: `${nameOf(of)} is paused, ${placeText(of)}; only a promoted release can be finished`,
    remedy: notPromoted(of),
  }),
};

function conflict(says: Says): { readonly exit: "conflict"; readonly says: Says } {
  return { exit: "conflict", says };
}

function failed(says: Says): { readonly exit: "failed"; readonly says: Says } {
  return { exit: "failed", says };
}
