/** The words for all that a release waits for, with what a person can do about it. Pure. */

import { SIGNS } from "../judge/signs.ts";
import { SIGN_SENTENCES } from "../judge/step-sentences.ts";
import type { Condition } from "../releases/due.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { exactDurationText, rolloutText } from "../text/amounts.ts";
import { clockText } from "../text/clock.ts";
import { oneLine } from "../text/one-line.ts";
import { commandLine } from "./command-line.ts";
import type { Progress } from "./progress.ts";

/** A safe text, or one with a command that a person can paste, which stands behind its text or below it. */
export type Text = string | { readonly text: string; readonly command: string };

/** One text for each thing; none if the release is over. */
export function waitWords(progress: Progress, storeFlags: StoreFlags): Text[] {
  const { release, target, waits, crew } = progress;
  const { application } = target;
  const own = waits.flatMap((condition) => conditionWords(condition, progress, storeFlags));
  if (release.state === "promoted") {
    return [
      ...own,
      {
        text: oneLine(`finish, when master's servers run ${release.of} too:`),
        command: oneLine(commandLine(storeFlags, application, "finish", "-deployed", release.of)),
      },
    ];
  }
  const isGuess = waits.every(({ kind, state }) => kind === "time" && state === "unknown");
  if ((own.length > 0 && !isGuess) || release.state !== "running") return own;
  if (isGuess && own.length > 0 && crew?.leaders.length !== 0) return own;
  return crew === undefined || crew.leaders.length > 0
    ? ["a controller, which goes on within seconds: all else is true"]
    : [
        "a controller: all else is true",
        promotion("or for a person, to go on by hand", progress, storeFlags),
      ];
}

const TIME_UNKNOWN =
  "time: it is over by the clock of this machine, but each controller counts from its own first look";

/** The words for one condition that is not met. */
export function conditionWords(condition: Condition, progress: Progress, storeFlags: StoreFlags): Text[] {
  const { release, target, waits, opensAtMs, nowMs } = progress;
  switch (condition.kind) {
    case "time": {
      const { ofMs, passedMs } = condition;
      if (condition.state === "unknown") return [TIME_UNKNOWN];
      const left = exactDurationText(Math.ceil(Math.max(0, ofMs - passedMs) / 1_000) * 1_000);
      return [release.state === "promoted" ? `its last wait: ${left} more` : `time: ${left} more`];
    }
    case "ok":
      return [oneLine(`ok: ${okText(progress)}${boundText(condition, progress)}`)];
    case "evidence":
      // The words for the ok have it already.
      return waits.some(({ kind }) => kind === "ok") ? [] : [evidenceText(condition)];
    case "check":
      return [
        oneLine(progress.told?.get(condition.name) ?? `check(${condition.name}): only a controller knows it`),
      ];
    case "sign":
      return [
        {
          text: oneLine(
            `a person: the judge raised the sign ${condition.name}${meaningOf(condition.name)}. If it is well:`,
          ),
          command: oneLine(
            commandLine(storeFlags, target.application, "release", "-clear", condition.name, "-m", "WHY"),
          ),
        },
      ];
    case "approve":
      return [promotion("approval, to go on", progress, storeFlags)];
    case "windows":
      if (condition.state === "unknown" && opensAtMs !== undefined)
        return ["a window: whether one is open is not known, because the store's clock does not answer"];
      return [
        opensAtMs === undefined
          ? "a window that this program cannot read"
          : `a window: the next one opens at ${clockText(opensAtMs, nowMs)}`,
      ];
    case "freeze":
      return ["the end of the freeze"];
    case "plan":
      return ["a newer version of this program, because this one cannot read its plan"];
    case "resume":
      return [
        {
          text: "a person, to go on with this step:",
          command: oneLine(commandLine(storeFlags, target.application, "resume")),
        },
      ];
    case "fade":
      return ["the end of its way down"];
  }
}

function evidenceText({ ageMs }: Extract<Condition, { readonly kind: "evidence" }>): string {
  const since = ageMs === undefined ? "" : ` for ${exactDurationText(Math.floor(ageMs / 1_000) * 1_000)}`;
  return `news of the evidence: none could be read${since}`;
}

/** Why the judge does not pass the step. */
function okText({ judged, rollout }: Progress): string {
  if (judged !== undefined) {
    return judged.blocks.length > 0 ? judged.blocks.join("; ") : "no sign may stand";
  }
  return rollout > 0
    ? "the evidence cannot be read here; the status of a daemon that leads it has it"
    : "nothing can be judged before the first visitor";
}

function meaningOf(sign: string): string {
  const known = SIGNS.find((name) => name === sign);
  return known === undefined ? "" : `: ${SIGN_SENTENCES[known]}`;
}

function boundText(
  { passedMs, ofMs }: Extract<Condition, { readonly kind: "ok" }>,
  { release }: Progress,
): string {
  if (ofMs === undefined) return "";
  const end = release.inconclusive === "abort" ? "aborts" : "pauses";
  const leftMs = Math.max(0, ofMs - passedMs);
  return leftMs === 0
    ? `; its time is over, so the release ${end}`
    : `; without it the release ${end} in ${exactDurationText(Math.ceil(leftMs / 1_000) * 1_000)}`;
}

/** The command that goes to the next step by hand. */
function promotion(text: string, { release, plan, target }: Progress, storeFlags: StoreFlags): Text {
  const next = plan?.steps[release.step]?.rollout;
  return {
    text: `${text}${next === undefined ? "" : ` to ${rolloutText(next)}`}:`,
    command: oneLine(
      commandLine(storeFlags, target.application, "promote", "-expect-step", String(release.step)),
    ),
  };
}
