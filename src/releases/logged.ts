/**
 * The transitions of a release, as its record still tells them. Pure.
 *
 * A line of the log has little: no rollout before it, no reason, no name of the transition. The rest follows
 * from the lines beside it, from the arcs, and from the reason that the release has now.
 */

import { type ArcSince, isUnderWay, type Release, type Transition } from "./release.ts";
import type { Notice } from "./request.ts";
import { STORE_WENT_BACK } from "./restoring.ts";
import type { ToldTransition } from "./sentence.ts";

/** A sign that is cleared has no line in the log. The release keeps it in a field of its own. */
export type LoggedNotice = Exclude<Notice, "cleared">;

/** A transition, with all that `transitionSentence` needs but the names. */
export interface LoggedTransition
  extends Omit<ToldTransition, "application" | "version" | "skipped" | "notice"> {
  readonly notice: LoggedNotice;
  readonly seq: number;
  readonly atMs: number;
  /** Undefined if the record had no room for it. */
  readonly by: string | undefined;
  /**
   * A text of a person, or the judge's sentence with its figures. Undefined if there is none, if the record
   * has it no more, or if the sentence of the transition says it.
   */
  readonly why: string | undefined;
}

/** `why` of an abort for a reason that is a word of the machine. */
export const WHY_TEXTS = {
  inconclusive: "the judge was not sure in time",
  [STORE_WENT_BACK]: "the store went back to an older state",
} as const;

/** From the oldest to the newest. If the record had no room for a log, the present state is the only one. */
export function loggedTransitions(release: Release): readonly LoggedTransition[] {
  const log = release.log.length > 0 ? release.log : [presentLine(release)];
  return log.map((line, index) => transitionAt(release, log, line, index));
}

/** Whether the log still has the start of the release, so that no line of it gave way. */
export function hasStart({ log, arcs }: Pick<Release, "log" | "arcs">): boolean {
  return log[0] !== undefined && isStart(log[0], arcs);
}

type Log = readonly Transition[];

function transitionAt(release: Release, log: Log, line: Transition, index: number): LoggedTransition {
  const [seq, atMs, state, step, after, by] = line;
  const before = beforeOf(release.arcs, log, line, index);
  // Lines after the end of a release leave its reason.
  const isReasonOfThis = !isAfterEnd(log, index) && log.every((_, at) => at <= index || isAfterEnd(log, at));
  const reason = isReasonOfThis ? release.reason : undefined;
  const notice = noticeOf(line, before, log, index, release.arcs, reason);
  const fade = notice === "fading" ? (release.fade ?? pastFade(before, line, release)) : undefined;
  const { id, of, plan } = release;
  return {
    ...{ seq, atMs, by: by === "" ? undefined : by, notice, before, after },
    why: whyOf(notice, reason),
    release: { id, of, plan, state, step, fade },
  };
}

function noticeOf(
  line: Transition,
  before: number,
  log: Log,
  index: number,
  arcs: readonly ArcSince[],
  reason: string | undefined,
): LoggedNotice {
  const [state, after] = [line[2], line[4]];
  switch (state) {
    case "paused":
      return reason === STORE_WENT_BACK ? "restored" : (PAUSES.find((pause) => pause === reason) ?? "paused");
    case "aborted":
    case "finished":
      if (isAfterEnd(log, index)) {
        if (after > 0) return "fade-stopped";
        return before === 0 ? "restored" : "fade-over";
      }
      if (after > 0) return "fading";
      return reason === "foreign-zero" ? reason : state;
    default: {
      if (index === 0 && isStart(line, arcs)) return "started";
      if (after <= before) return "resumed";
      return state === "promoted" ? state : "advanced";
    }
  }
}

/** Words of the machine in `reason`. */
const PAUSES = ["inconclusive", "foreign-change", "other-version"] as const satisfies readonly LoggedNotice[];

function whyOf(notice: LoggedNotice, reason: string | undefined): string | undefined {
  if (reason === notice || notice === "restored") return undefined;
  if (notice !== "aborted") return reason;
  return reason === "inconclusive" || reason === STORE_WENT_BACK ? WHY_TEXTS[reason] : reason;
}

/** Whether the release was over before a line. So the line is the end of its fade, or the store went back. */
function isAfterEnd(log: Log, index: number): boolean {
  const before = log[index - 1];
  return before !== undefined && !isUnderWay({ state: before[2] });
}

function isStart(line: Transition, arcs: readonly ArcSince[]): boolean {
  return line[1] === arcs[0]?.[0];
}

/**
 * The rollout before a line is that of the line before it. A fade has many rollouts between two lines, and
 * the line before the oldest one may have given way: then the arcs have it.
 */
function beforeOf(arcs: readonly ArcSince[], log: Log, line: Transition, index: number): number {
  if (index === 0 && isStart(line, arcs)) return 0;
  const last = log[index - 1]?.[4];
  if (last !== undefined && !isAfterEnd(log, index)) return last;
  const arc = arcs.findLastIndex((each) => each[0] === line[1] && each[1] === line[4]);
  return arcs[arc - 1]?.[1] ?? last ?? line[4];
}

/** A fade that has ended, so that the release has it no more. Undefined if its duration is not known. */
function pastFade(before: number, line: Transition, { fadeMs }: Release): Release["fade"] {
  return fadeMs === undefined ? undefined : [before, line[1], fadeMs];
}

/** The present state as a line of a log. Its author is not known. */
export function presentLine({ seq, since, state, step, wrote }: Release): Transition {
  return [seq, Date.parse(since), state, step, wrote[0], ""];
}
