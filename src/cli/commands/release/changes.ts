/**
 * The changes between two sights of a release, each as a line: for a pipe, a log, or a plain terminal. Pure.
 */

import { SIGN_SENTENCES } from "../../../judge/step-sentences.ts";
import { loggedTransitions } from "../../../releases/logged.ts";
import { unableText } from "../../../releases/rights-remedy.ts";
import { releaseName, stepPlace, transitionSentence } from "../../../releases/sentence.ts";
import { rolloutText } from "../../../text/amounts.ts";
import { oneLine } from "../../../text/one-line.ts";
import { silenceWords, suspicionText } from "../../../verbs/judge-words.ts";
import { lastSentence } from "../../../verbs/last-words.ts";
import type { Progress } from "../../../verbs/progress.ts";
import { leadersText } from "./page.ts";

/** @param before undefined at the first sight, whose lines say how all is */
export function changeLines(before: Progress | undefined, after: Progress): string[] {
  const lines = before === undefined ? [stateSentence(after)] : transitions(before, after);
  const tell = (text: (progress: Progress) => string, end = "") => {
    const was = before === undefined ? "" : text(before);
    const now = text(after);
    if (now !== was && (now !== "" || end !== "")) lines.push(now === "" ? end : now);
  };
  if (after.foreign !== "none" && after.foreign !== before?.foreign) {
    lines.push(`${lastSentence(after)}; no controller has seen that yet`);
  }
  tell(waitingText);
  // The end of a release says nothing of its outcomes.
  const isJudged = after.judged !== undefined;
  tell(silenceText, isJudged ? "outcomes are reported" : "");
  tell(suspicionText, isJudged ? "no sign of harm any more" : "");
  tell(signsText);
  tell(crewText);
  tell(frozenText, "the freeze is over");
  tell(overrideText);
  tell(clearedText);
  return lines.map(oneLine);
}

/** Whether nothing but the time differs between two sights. */
export function isSameSight(a: Progress, b: Progress): boolean {
  if (a.release.seq !== b.release.seq || a.rollout !== b.rollout || changeLines(a, b).length > 0)
    return false;
  return coinsText(a) === coinsText(b);
}

/** The visitors of each metric. A line for each would be too many for people, but not for programs. */
function coinsText({ judged }: Progress): string {
  return judged?.metrics.map(({ canary, master }) => `${canary}/${master}`).join() ?? "";
}

function silenceText(progress: Progress): string {
  return silenceWords(progress).join();
}

function signsText({ judged }: Progress): string {
  const standing = judged?.signs.filter(({ isCleared }) => !isCleared) ?? [];
  return standing.map(({ name }) => `sign ${name}: ${SIGN_SENTENCES[name]}`).join("; ");
}

function stateSentence({ target, release, rollout }: Progress): string {
  const name = `${releaseName(target.application, release)} (${release.of})`;
  return `${name} is ${release.state}: ${stepPlace(release)}, ${target.version} at ${rolloutText(rollout)}`;
}

function transitions(before: Progress, { release, target }: Progress): string[] {
  return loggedTransitions(release)
    .filter(({ seq }) => seq > before.release.seq)
    .map((told) => {
      const by = told.by === undefined ? "" : `, by ${told.by}`;
      return `${transitionSentence({ ...target, ...told })}${by}${told.why === undefined ? "" : `: ${told.why}`}`;
    });
}

function waitingText(progress: Progress): string {
  const { release, waits, crew } = progress;
  if (release.state === "promoted") return bakeText(progress);
  if (release.state !== "running") return "";
  const kinds = waits.flatMap((condition) => {
    if (condition.kind === "evidence") return [];
    if (condition.kind === "check") return [`check(${condition.name})`];
    if (condition.kind === "sign") return [`a person, who clears the sign ${condition.name}`];
    return [WAITS[condition.kind]];
  });
  if (kinds.length > 0) return `waits for ${kinds.join(", ")}`;
  return crew?.leaders.length === 0 ? "waits for a controller" : "";
}

function bakeText({ release, waits }: Progress): string {
  const left = waits.map((condition) => (condition.kind === "check" ? `check(${condition.name})` : "time"));
  return left.length > 0
    ? `the last wait goes on: ${left.join(", ")}`
    : `the last wait is over: a person can finish it when master's servers run ${release.of} too`;
}

const WAITS = {
  ...{ time: "time", ok: "ok", approve: "approval", windows: "a window", freeze: "the end of the freeze" },
  ...{ plan: "a newer version of this program", resume: "a person", fade: "the end of its way down" },
} as const;

function crewText({ crew }: Progress): string {
  if (crew === undefined) return "";
  const { leaders, unable } = crew;
  return `led by ${leadersText(leaders)}${unable.length === 0 ? "" : `; ${unableText(unable)}`}`;
}

function frozenText({ freeze }: Progress): string {
  if (!freeze?.isFrozen) return "";
  return `all releases are frozen by ${freeze.by ?? "an unknown writer"}${freeze.why === undefined ? "" : `: ${freeze.why}`}`;
}

function overrideText({ crew }: Progress): string {
  const names = crew?.overrides.map(({ name, reason }) => `${name} (${reason})`) ?? [];
  return names.length === 0 ? "" : `all visitors are sent to master already by ${names.join(", ")}`;
}

function clearedText({ release: { cleared = [] } }: Progress): string {
  const signs = cleared.map(([sign, by, why]) => `${sign} (by ${by}: ${why})`);
  return signs.length === 0 ? "" : `cleared: ${signs.join(", ")}`;
}
