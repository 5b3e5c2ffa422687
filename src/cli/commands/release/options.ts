/** The flags of `release`, and the one task that they name together. */

import { type Option, Problem } from "../../../config/option.ts";
import { parseLongDuration, parseSwitch, single } from "../../../config/values.ts";
import { SIGNS } from "../../../judge/signs.ts";
import type { Invocation } from "../../command.ts";
import { CliError } from "../../exit.ts";
import { isNew, message } from "../../records/change-options.ts";

export const of: Option<string | undefined> = single<string | undefined>(
  {
    name: "of",
    placeholder: "NAME",
    summary: "start a release of this software, such as v42; finish asks for the same name",
    flagOnly: true,
  },
  (text) => text,
);

export const replace = switchOf(
  "replace",
  "start in place of a release that goes on, or of a rollout that has none; its visitors change",
);

export const dryRun = switchOf("dry-run", "show all that would be started or refused, and write nothing");

export const unattended = switchOf("unattended", "start although no daemon leads, and wait for none");

export const watch = switchOf("watch", "show the release until it is over");

export const wait = switchOf(
  "wait",
  "wait until the release is promoted or over, and end with its own exit status",
);

export const timeout: Option<number | undefined> = single<number | undefined>(
  {
    name: "timeout",
    placeholder: "DURATION",
    summary: "the longest time for -wait, such as 3h; without it, any time",
    flagOnly: true,
  },
  (text) => {
    const ms = parseLongDuration(text);
    return typeof ms === "number" && (ms < TIMEOUT_MS_MIN || ms > TIMEOUT_MS_MAX)
      ? new Problem("write a duration from 1s to 24d")
      : ms;
  },
);

const TIMEOUT_MS_MIN = 1_000;
/** A timer cannot take longer. */
const TIMEOUT_MS_MAX = 24 * 86_400_000;

export const clear: Option<string | undefined> = single<string | undefined>(
  {
    name: "clear",
    placeholder: SIGNS.join("|"),
    summary: "let a sign of the judge hold the release back no longer; it needs -m, which the record keeps",
    flagOnly: true,
  },
  (text) =>
    SIGNS.find((name) => name === text) ?? new Problem(`write the name of a sign: ${SIGNS.join(", ")}`),
);

function switchOf(name: string, summary: string): Option<boolean> {
  return single({ name, summary, flagOnly: true, defaultText: "false" }, parseSwitch);
}

export interface Task {
  /** The name of a sign; undefined if none is to be cleared. Then nothing else is done. */
  readonly clear: string | undefined;
  readonly isStart: boolean;
  /** The end of a start, or the whole task if nothing is started. */
  readonly follow: "look" | "watch" | "wait";
}

/** The task of the words and flags. Throws all that does not fit together. */
export function taskOf({ settings, positionals }: Invocation): Task {
  const sign = settings.get(clear);
  const starting = [of, replace, dryRun, unattended, isNew].filter((each) => settings.isNamed(each));
  const isStart = starting.length > 0 || positionals.length > 1;
  const isFollowing = settings.get(watch) || settings.get(wait);
  const problems: string[] = [];
  if (settings.get(watch) && settings.get(wait)) problems.push("name -watch or -wait, and not both");
  const [word = ""] = positionals;
  if (settings.get(wait) && typeof parseLongDuration(word) === "number") {
    problems.push(`-wait takes no time; write -wait -timeout ${word}`);
  }
  if (settings.isNamed(timeout) && !settings.get(wait)) problems.push("-timeout belongs to -wait; add that");
  if (sign !== undefined && (isStart || isFollowing)) {
    problems.push("-clear clears a sign, and does nothing else; leave out the other tasks");
  }
  if (sign !== undefined && !settings.isNamed(message)) {
    problems.push("-clear needs the reason, which the record keeps; add -m WHY");
  }
  if (settings.get(dryRun) && isFollowing) {
    problems.push("-dry-run starts nothing that one could follow; leave out -watch and -wait");
  }
  if (problems.length > 0) throw new CliError("usage", problems.join("\n  "), "nothing was written");
  const follow = settings.get(watch) ? "watch" : settings.get(wait) ? "wait" : "look";
  return { clear: sign, isStart: isStart || (sign === undefined && settings.isNamed(message)), follow };
}
