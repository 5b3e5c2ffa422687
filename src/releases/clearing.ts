/**
 * A person clears a sign: the judge's word that the experiment is not what it seems holds this release back
 * no longer. The record keeps the sign, the person and the reason.
 */

import { asSettled, settled } from "./foreign.ts";
import { error, noOp, refused } from "./outcome.ts";
import { isUnderWay, LIST_MAX, type Release } from "./release.ts";
import { clipped } from "./release-field.ts";
import type { Now, Outcome, Request, Stamp } from "./request.ts";
import { transition } from "./transition.ts";

type Asked = Extract<Request, { readonly verb: "clear" }>;

export function clear(now: Now, release: Release, { sign, why }: Asked, stamp: Stamp): Outcome {
  if (now.isMalformed) return refused("malformed-record", { release });
  if (!isUnderWay(asSettled(now, release))) return error("over");
  const before = release.cleared ?? [];
  if (before.some(([cleared]) => cleared === sign)) return noOp("cleared");
  if (before.length >= LIST_MAX) return refused("too-large", { release });
  const cleared = [...before, [clipped(sign), clipped(stamp.author), clipped(why)] as const];
  // Another writer's change counts first, so that this write does not make it the release's own.
  const settling = settled(now, { ...release, cleared }, stamp);
  if (settling.kind !== "no-op") return settling;
  return transition(now, release, { release: { cleared }, notice: "cleared", isUnlogged: true }, stamp);
}
