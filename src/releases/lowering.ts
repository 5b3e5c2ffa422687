/**
 * The verbs that lower or stop: abort, the judge's abort, undo, finish, pause. Law 10: the way down needs no
 * wait, no approval and no pin of a step. It needs no plan that this program understands.
 */

import { fadedRollout, fadeNowMs } from "./fade.ts";
import { asSettled } from "./foreign.ts";
import { error, noOp, refused } from "./outcome.ts";
import { WAIT_MS_MAX } from "./plan.ts";
import { isUnderWay, type Release, recordMs } from "./release.ts";
import { clipped } from "./release-field.ts";
import type { Notice, Now, Outcome, Request, Stamp } from "./request.ts";
import { failsafeBack, transition } from "./transition.ts";

type Asked<Verb extends Request["verb"]> = Extract<Request, { readonly verb: Verb }>;

export function abort(now: Now, release: Release, { reason }: Asked<"abort">, stamp: Stamp): Outcome {
  return isUnderWay(release)
    ? ended(now, release, { state: "aborted", reason, overMs: 0 }, stamp)
    : fadeEnded(now, release, stamp);
}

/** The judge says abort. A promoted release has no control group any more, so a person decides there. */
export function verdict(now: Now, release: Release, { reason }: Asked<"verdict">, stamp: Stamp): Outcome {
  if (release.state === "promoted") return noOp("verdict-after-promotion");
  return isUnderWay(release)
    ? ended(now, release, { state: "aborted", reason, overMs: 0 }, stamp)
    : fadeEnded(now, release, stamp);
}

/** Only a promoted release fades. From any other state an undo is an abort, which is at once. */
export function undo(now: Now, release: Release, request: Asked<"undo">, stamp: Stamp): Outcome {
  if (!isUnderWay(release)) return error("over");
  const isPromoted = release.state === "promoted" || release.from === "promoted";
  const overMs = isPromoted ? request.overMs : 0;
  return ended(now, release, { state: "aborted", reason: request.reason, overMs }, stamp);
}

/** Master's servers run the released software now. */
export function finish(now: Now, release: Release, request: Asked<"finish">, stamp: Stamp): Outcome {
  const { state } = asSettled(now, release);
  if (state === "running" || state === "paused") return error(state);
  if (state !== "promoted") return noOp("over");
  if (request.deployed !== release.of) {
    return { kind: "refused", code: "other-of", facts: { release, found: release.of } };
  }
  const { reason, overMs } = request;
  return ended(now, release, { state: "finished", reason, overMs }, stamp);
}

export function pause(now: Now, release: Release, { reason }: Asked<"pause">, stamp: Stamp): Outcome {
  if (now.isMalformed) return refused("malformed-record", { release });
  const { state } = asSettled(now, release);
  if (!isUnderWay({ state })) return error("over");
  if (release.state === "running") return paused(now, release, reason, "paused", stamp);
  return noOp(release.state === "paused" ? "paused" : "promoted");
}

/** A running release waits for a person from now on. The rollout stays. */
export function paused(
  now: Now,
  release: Release,
  reason: string | undefined,
  notice: Notice,
  stamp: Stamp,
): Outcome {
  return transition(now, release, { release: { state: "paused", reason: text(reason) }, notice }, stamp);
}

/** A controller lowers the rollout along the fade, and never raises it. */
export function faded(now: Now, release: Release, seenMs: number, stamp: Stamp): Outcome {
  const { fade } = release;
  if (fade === undefined) return noOp("over");
  const nowMs = fadeNowMs(fade, now.rollout, stamp.nowMs, seenMs);
  const rollout = Math.min(now.rollout, fadedRollout(fade, nowMs));
  if (rollout === 0) return fadeEnded(now, release, stamp);
  if (rollout === now.rollout) return noOp("fade-waits");
  const change = { rollout, release: {}, notice: "fading", isUnlogged: true } as const;
  return transition(now, release, change, stamp);
}

/** The end of a release that is under way: at rollout 0, or at the beginning of a fade. */
export function ended(
  now: Now,
  release: Release,
  end: {
    readonly state: "aborted" | "finished";
    readonly reason: string | undefined;
    readonly overMs: number;
  },
  stamp: Stamp,
): Outcome {
  const { state, reason, overMs } = end;
  const isFading = overMs > 0 && now.rollout > 0;
  const fadeMs = isFading ? Math.min(overMs, WAIT_MS_MAX) : undefined;
  return transition(
    now,
    release,
    {
      rollout: isFading ? now.rollout : 0,
      offset: now.isMalformed ? release.wrote[1] : now.offset,
      ...failsafeBack(release),
      release: {
        state,
        from: undefined,
        was: undefined,
        reason: text(reason),
        fade: fadeMs === undefined ? undefined : [now.rollout, recordMs(stamp.nowMs), fadeMs],
        fadeMs,
      },
      notice: isFading ? "fading" : state,
    },
    stamp,
  );
}

/** Ends the fade of a release that is over, at rollout 0. */
function fadeEnded(now: Now, release: Release, stamp: Stamp): Outcome {
  if (release.fade === undefined) return noOp("over");
  return transition(now, release, { rollout: 0, release: { fade: undefined }, notice: "fade-over" }, stamp);
}

function text(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : clipped(reason);
}
