/**
 * The answer to a store that went back (law 17). It never raises. The new `seq` is above all that were seen,
 * so the record is not older any more, and a person can go on from there.
 */

import { highestSeq, isBehind, wasOver } from "./known.ts";
import { ended } from "./lowering.ts";
import { noOp } from "./outcome.ts";
import { isUnderWay, type Release } from "./release.ts";
import type { Now, Outcome, Request, Stamp } from "./request.ts";
import { transition } from "./transition.ts";

export const STORE_WENT_BACK = "store-went-back";

type Asked = Extract<Request, { readonly verb: "restore" }>;

export function restored(now: Now, release: Release, { known }: Asked, stamp: Stamp): Outcome {
  if (!isBehind(known, now)) return noOp("not-behind");
  const ahead = { ...release, seq: Math.max(release.seq, highestSeq(known, release)) };
  const isToEnd = wasOver(known, release);
  if (!isUnderWay(release) && release.fade === undefined) {
    const rollout = isToEnd ? 0 : now.rollout;
    return transition(now, ahead, { rollout, release: {}, notice: "restored" }, stamp);
  }
  if (isToEnd) {
    return ended(now, ahead, { state: "aborted", reason: STORE_WENT_BACK, overMs: 0 }, stamp);
  }
  if (!isUnderWay(release)) {
    return transition(now, ahead, { release: {}, notice: "restored" }, stamp);
  }
  const from = release.state === "promoted" ? ("promoted" as const) : release.from;
  const paused = { state: "paused", from, reason: STORE_WENT_BACK } as const;
  return transition(now, ahead, { release: paused, notice: "restored" }, stamp);
}
