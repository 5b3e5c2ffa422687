/**
 * A release as a person at a terminal sees it. Pure.
 *
 *     release 7 (v42) running, step 2/5, at 5%; it waits for ok: 2 900 of about 4 300 visitors seen
 *     steps     ✔ 1%  ● 5%  ○ 25%  ○ 50%  ○ 100%
 *     rollout   5%, since 12:10:03 UTC (18m of 30m)
 *     waits for ok: 2 900 of about 4 300 visitors seen, about 14 minutes
 *     errors    3 of the 61 visitors who met errors were the canary's, 1 in 20 expected: no sign of harm
 *     led by    web-1, web-2
 */

import { BROUGHT_UNTOLD_SENTENCE } from "../../../evidence/judged.ts";
import { goesOn, isUnderWay, type Release } from "../../../releases/release.ts";
import { unableRemedy, unableText } from "../../../releases/rights-remedy.ts";
import type { StoreFlags } from "../../../settings/store-flags.ts";
import { exactDurationText, rolloutText } from "../../../text/amounts.ts";
import { clockText } from "../../../text/clock.ts";
import { oneLine } from "../../../text/one-line.ts";
import { commandLine } from "../../../verbs/command-line.ts";
import type { Freeze } from "../../../verbs/freeze.ts";
import { headline } from "../../../verbs/headline.ts";
import { harmWords, silenceWords } from "../../../verbs/judge-words.ts";
import { lastWords } from "../../../verbs/last-words.ts";
import type { Progress } from "../../../verbs/progress.ts";
import { type Text, waitWords } from "../../../verbs/wait-words.ts";
import { besideWords, overrideWords, shortageWords } from "../../../verbs/warning-words.ts";
import { type Line, labelled, wrapped } from "./lines.ts";

/** A longer list of daemons is cut. */
const LEADERS_SHOWN_MAX = 6;

/** The lines of one release, none wider than `width` columns. */
export function releaseLines(progress: Progress, width: number, storeFlags: StoreFlags): Line[] {
  return [
    ...heading(progress, width, storeFlags),
    ...stepLines(progress, width),
    ...labelled("rollout", rolloutWords(progress), width),
    ...labelled("waits for", waitWords(progress, storeFlags), width),
    ...labelled("errors", harmWords(progress), width),
    ...labelled("SILENCE", silenceWords(progress), width),
    ...labelled("led by", crewWords(progress), width),
    ...labelled("OVERRIDE", overrideWords(progress), width),
    ...labelled("frozen", freezeWords(progress), width),
    ...labelled("NOTE", noteWords(progress), width),
    ...labelled("last", lastWords(progress), width),
    ...labelled("why", whyWords(progress), width),
    ...labelled("cleared", clearedWords(progress), width),
    ...labelled("version", versionWords(progress), width),
    ...labelled("plan", planWords(progress, width), width),
    ...labelled("", wayBack(progress, storeFlags), width),
  ];
}

/** The sentence that the page in a browser has, too. */
function heading(progress: Progress, width: number, storeFlags: StoreFlags): Line[] {
  const { state } = progress.release;
  return wrapped(headline(progress, storeFlags), width).map((text) => ({
    ...{ text: text.replaceAll("\u00a0", " "), state },
  }));
}

function stepLines({ release, plan }: Progress, width: number): Line[] {
  if (plan === undefined) return [];
  const marks = plan.steps.map(
    ({ rollout }, index) => `${markOf(release, index + 1)}\u00a0${rolloutText(rollout)}`,
  );
  return labelled("steps", [marks.join("  ")], width).map((line) => ({ ...line, hasMarks: true }));
}

/** A step that is done, the present one, one in which the release ended, or one that is still to come. */
function markOf({ state, step }: Release, index: number): string {
  if (state === "finished" || index < step) return "✔";
  if (index > step) return "○";
  return state === "aborted" ? "✘" : "●";
}

function rolloutWords({ release, rollout, plan, nowMs, passedMs, foreign, isMalformed }: Progress): string[] {
  if (isMalformed) return ["0%, because the record is malformed: get says what is wrong with it"];
  const { state, since, step, fade } = release;
  const sinceMs = Date.parse(since);
  const share = rolloutText(rollout);
  if (foreign !== "none") return [`${share}, written by another writer`];
  if (fade !== undefined) return [`${share}, going down to 0% until ${clockText(fade[1] + fade[2], nowMs)}`];
  const waitMs = plan?.steps[step - 1]?.wait.minMs ?? 0;
  const isTimed = waitMs > 0 && (state === "running" || state === "promoted");
  const passed = durationOf(passedMs);
  return [
    `${share}, since ${clockText(sinceMs, nowMs)} (${passed}${isTimed ? ` of ${exactDurationText(waitMs)}` : ""})`,
  ];
}

function crewWords({ crew, release }: Progress): string[] {
  if (!goesOn(release)) return [];
  if (crew === undefined) return ["unknown: this store does not show which daemons lead"];
  const { leaders, unable, last } = crew;
  const refused = unable.length === 0 ? [] : [oneLine(`${unableText(unable)}: ${unableRemedy(unable)}`)];
  if (leaders.length > 0) return [leadersText(leaders), ...refused];
  if (unable.length > 0) return [`${leadersText(leaders)}, so it stays as it is`, ...refused];
  const heard = last === undefined ? "" : `; ${oneLine(last.name)} was heard ${durationOf(last.agoMs)} ago`;
  return [`${leadersText(leaders)}: none with -releases on is heard, so it stays as it is${heard}`];
}

/** The names of the daemons that lead, or as many of them as a person wants to read. */
export function leadersText(leaders: readonly string[]): string {
  if (leaders.length === 0) return "no daemon";
  const shown = leaders.slice(0, LEADERS_SHOWN_MAX).map(oneLine).join(", ");
  const more = leaders.length - LEADERS_SHOWN_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function freezeWords({ freeze, release, nowMs }: Progress): string[] {
  const isConcerned = release.state === "running" || release.state === "paused";
  return freeze?.isFrozen && isConcerned ? [freezeText(freeze, nowMs)] : [];
}

function freezeText({ by, at, why }: Freeze, nowMs: number): string {
  const atMs = Date.parse(at ?? "");
  const since = Number.isNaN(atMs) ? "" : ` since ${clockText(atMs, nowMs)}`;
  return oneLine(`by ${by ?? "an unknown writer"}${since}${why === undefined ? "" : `: ${why}`}`);
}

/** The reason of the last transition stands with it, if there is such a line. */
function whyWords({ release }: Progress): string[] {
  const { state, reason } = release;
  return reason !== undefined && (state === "running" || state === "promoted") ? [oneLine(reason)] : [];
}

function noteWords(progress: Progress): string[] {
  const { judged } = progress;
  return [
    ...(judged?.isUncapped ? [UNCAPPED] : []),
    ...(judged?.isBroughtUntold ? [BROUGHT_UNTOLD_SENTENCE] : []),
    ...besideWords(progress),
    ...shortageWords(progress),
  ];
}

const UNCAPPED =
  "one network has more than 1 in 20 of all requests, such as a CDN, so each of its visitors counts";

function clearedWords({ release: { cleared = [] } }: Progress): string[] {
  return cleared.map(([sign, by, why]) => oneLine(`the sign ${sign}, by ${by}: ${why}`));
}

function versionWords({ target, release }: Progress): string[] {
  return [oneLine(`${target.version} of ${target.application}, offset ${release.wrote[1]}`)];
}

/** The line as a person types it, or with a space between the steps if it is too wide. */
function planWords({ release }: Progress, width: number): string[] {
  const text = oneLine(release.plan);
  return [text.length <= width - 10 ? text : text.replaceAll(",", ", ")];
}

function wayBack({ target, release }: Progress, storeFlags: StoreFlags): Text[] {
  if (!isUnderWay(release)) return [];
  return [
    {
      text: "to take everyone back:",
      command: oneLine(commandLine(storeFlags, target.application, "abort")),
    },
  ];
}

function durationOf(ms: number): string {
  return exactDurationText(Math.floor(ms / 1_000) * 1_000);
}
