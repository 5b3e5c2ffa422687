/**
 * The machine of releases: a pure, total function from a record and a request to a write, or to the reason
 * why nothing is written. It has no clock, no store and no randomness. The rows are the states of a release,
 * the columns are requests:
 *
 *     from       advance    promote  pause   resume   abort    verdict  undo     finish    release  foreign
 *     none       -          error    error   error    no-op    -        error    no-op     running  -
 *     running    next step  next     paused  no-op    aborted  aborted  aborted  error     refused  law 11
 *     paused     -          refused  no-op   running  aborted  aborted  aborted  error     refused  law 11
 *     promoted   bake over  no-op    no-op   no-op    aborted  notice   aborted  finished  refused  law 11
 *     over       -          error    error   error    no-op    -        error    no-op     running  -
 *
 * Over is aborted or finished. While such a release fades, advance lowers it, and an abort of either kind
 * ends the fade at 0. A foreign write that no controller has seen yet counts first, for each verb that may
 * raise. Two requests are not in the table. Restore looks at what a controller saw before (`restoring.ts`),
 * and clear changes no state (`clearing.ts`).
 *
 * The writer of the outcome uses compare-and-set on the revision of `now`.
 */

import { clear } from "./clearing.ts";
import { settled } from "./foreign.ts";
import { abort, finish, pause, undo, verdict } from "./lowering.ts";
import { error, noOp, refused } from "./outcome.ts";
import { advance, begin, promote, resume } from "./raising.ts";
import type { ReleaseProblem } from "./read-release.ts";
import type { Release } from "./release.ts";
import type { Now, Outcome, Request, Stamp } from "./request.ts";
import { restored } from "./restoring.ts";

export function move(now: Now, request: Request, stamp: Stamp): Outcome {
  const { found } = now;
  if (found.kind === "none") return withoutRelease(now, request, stamp);
  if (found.kind === "problem") return unreadable(now, found, request, stamp);
  const { release } = found;
  const key = keyOf(request);
  if (key !== undefined && key !== release.key) {
    return isByDaemon(request) ? noOp("replaced") : refused("replaced", { release });
  }
  return withRelease(now, release, request, stamp);
}

function withRelease(now: Now, release: Release, request: Request, stamp: Stamp): Outcome {
  if (now.isMalformed && isByDaemon(request)) return noOp("malformed-record");
  switch (request.verb) {
    case "advance":
      return advance(now, release, request, stamp);
    case "promote":
      return promote(now, release, request, stamp);
    case "pause":
      return pause(now, release, request, stamp);
    case "resume":
      return resume(now, release, request, stamp);
    case "abort":
      return abort(now, release, request, stamp);
    case "verdict":
      return verdict(now, release, request, stamp);
    case "undo":
      return undo(now, release, request, stamp);
    case "finish":
      return finish(now, release, request, stamp);
    case "release":
      return begin(now, release, request, stamp);
    case "clear":
      return clear(now, release, request, stamp);
    case "foreign":
      return settled(now, release, stamp);
    case "restore":
      return restored(now, release, request, stamp);
  }
}

function withoutRelease(now: Now, request: Request, stamp: Stamp): Outcome {
  switch (request.verb) {
    case "release":
      return begin(now, undefined, request, stamp);
    case "abort":
    case "finish":
      return noOp("no-release");
    case "advance":
    case "verdict":
    case "foreign":
    case "restore":
      return noOp("gone");
    default:
      return error("no-release");
  }
}

/**
 * The release cannot be read, so it stays as it is. The way down works all the same: a daemon that can read
 * it sees a foreign rollout of 0 and aborts it.
 */
function unreadable(now: Now, problem: ReleaseProblem, request: Request, stamp: Stamp): Outcome {
  switch (request.verb) {
    case "abort":
    case "undo":
      return zeroed(now);
    case "verdict": {
      const isMeant = problem.code !== "malformed" && problem.key === request.key;
      return isMeant ? zeroed(now) : noOp("unreadable");
    }
    case "advance":
    case "foreign":
    case "restore":
      return noOp("unreadable");
    case "release":
      return request.replace ? begin(now, undefined, request, stamp) : refused("unreadable", {});
    default:
      return refused("unreadable", {});
  }
}

function zeroed({ rollout, offset, failsafe }: Now): Outcome {
  if (rollout === 0) return noOp("at-zero");
  return { kind: "write", rollout: 0, offset, failsafe, release: null, notice: "aborted" };
}

/** The release that a request means; undefined for the one that is there. */
function keyOf(request: Request): string | undefined {
  if (request.verb === "release" || request.verb === "restore") return undefined;
  return "pin" in request ? request.pin.key : request.key;
}

/** Whether a controller or a judge asks. Such a request has an end without words for a person. */
function isByDaemon({ verb }: Request): boolean {
  return verb === "advance" || verb === "verdict" || verb === "foreign" || verb === "restore";
}
