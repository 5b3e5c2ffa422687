/** The flags of `release`, and the one task that they name together. */

import { type Option, Problem } from "../../../config/option.ts";
import { parseLongDuration, parseSwitch, single } from "../../../config/values.ts";
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

function switchOf(name: string, summary: string): Option<boolean> {
  return single({ name, summary, flagOnly: true, defaultText: "false" }, parseSwitch);
}

export interface Task {
  readonly isStart: boolean;
  /** The end of a start, or the whole task if nothing is started. */
  readonly follow: "look" | "watch" | "wait";
}

/** The task of the words and flags. Throws all that does not fit together. */
export function taskOf({ settings, positionals }: Invocation): Task {
  const starting = [of, replace, dryRun, unattended, isNew, message].filter((each) => settings.isNamed(each));
  const problems: string[] = [];
  if (settings.get(watch) && settings.get(wait)) problems.push("name -watch or -wait, and not both");
  if (settings.isNamed(timeout) && !settings.get(wait)) problems.push("-timeout belongs to -wait; add that");
  if (settings.get(dryRun) && (settings.get(watch) || settings.get(wait))) {
    problems.push("-dry-run starts nothing that one could follow; leave out -watch and -wait");
  }
  if (problems.length > 0) throw new CliError("usage", problems.join("\n  "), "nothing was written");
  const follow = settings.get(watch) ? "watch" : settings.get(wait) ? "wait" : "look";
  return { isStart: starting.length > 0 || positionals.length > 1, follow };
}
