/** The last transition of a release in words. Pure. */

import { type LoggedTransition, loggedTransitions } from "../releases/logged.ts";
import { transitionSentence } from "../releases/sentence.ts";
import { clockText } from "../text/clock.ts";
import { oneLine } from "../text/one-line.ts";
import type { Progress } from "./progress.ts";

/** The sentence, its author, its time and its reason. None while a release goes its way. */
export function lastWords(progress: Progress): string[] {
  const { release, foreign, nowMs } = progress;
  if (release.state === "running" || release.state === "promoted") return [];
  // The two shares stay in one line.
  const sentence = lastSentence(progress).replaceAll(" → ", "\u00a0→\u00a0");
  // Another writer leaves no trace in the log of the release.
  if (foreign !== "none") return [sentence];
  const { by, atMs, why } = lastOf(progress);
  const who = by === undefined ? "" : `by ${by}, `;
  return [sentence, oneLine(`${who}${clockText(atMs, nowMs)}${why === undefined ? "" : `: ${why}`}`)];
}

/** The sentence of the last transition, also if another writer made it and no controller has seen it yet. */
export function lastSentence(progress: Progress): string {
  const { target, release, foreign, rollout } = progress;
  if (foreign === "none") return transitionSentence({ ...target, ...lastOf(progress) });
  const notice = foreign === "zero" ? "foreign-zero" : "foreign-change";
  return transitionSentence({ ...target, notice, release, before: release.wrote[0], after: rollout });
}

/** The reason of the last transition; undefined for none, and for another writer's change. */
export function lastReason(progress: Progress): string | undefined {
  return progress.foreign === "none" ? lastOf(progress).why : undefined;
}

/** The log of a release has one transition at least. */
function lastOf({ release }: Progress): LoggedTransition {
  return loggedTransitions(release).at(-1) as LoggedTransition;
}
