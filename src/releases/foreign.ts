/**
 * Law 11: what a person wrote wins. A foreign write is a rollout or an offset of the record that the release
 * did not write itself.
 */

import { noOp } from "./outcome.ts";
import type { Release } from "./release.ts";
import { isUnderWay } from "./release.ts";
import type { Now, Outcome, Stamp } from "./request.ts";
import { type Change, failsafeBack, transition } from "./transition.ts";

/** `zero`: the foreign rollout is 0. */
export type Foreign = "none" | "zero" | "change";

/** A malformed record is none of both: it shows no value that a person wanted. */
export function foreignIn({ rollout, offset, isMalformed }: Now, { wrote }: Release): Foreign {
  if (isMalformed) return "none";
  if (rollout === wrote[0] && offset === wrote[1]) return "none";
  return rollout === 0 && wrote[0] !== 0 ? "zero" : "change";
}

/**
 * The answer to a foreign write. A rollout of 0 aborts the release. Any other change pauses it, and ends a
 * fade. The record's rollout and offset stay as the person wrote them.
 */
export function settled(now: Now, release: Release, stamp: Stamp): Outcome {
  const change = changeFor(now, release);
  return change === undefined ? noOp("not-foreign") : transition(now, release, change, stamp);
}

/** The release as the answer to a foreign write will leave it. Verbs that may raise look at this. */
export function asSettled(now: Now, release: Release): Release {
  return { ...release, ...changeFor(now, release)?.release };
}

function changeFor(now: Now, release: Release): Change | undefined {
  const foreign = foreignIn(now, release);
  if (foreign === "none") return undefined;
  if (!isUnderWay(release)) {
    if (release.fade === undefined) return undefined;
    return { release: { fade: undefined }, notice: "fade-stopped" };
  }
  if (foreign === "zero") {
    return {
      ...failsafeBack(release),
      release: { state: "aborted", from: undefined, was: undefined, reason: "foreign-zero" },
      notice: "foreign-zero",
    };
  }
  const from = release.state === "promoted" ? ({ from: "promoted" } as const) : {};
  return { release: { state: "paused", ...from, reason: "foreign-change" }, notice: "foreign-change" };
}
