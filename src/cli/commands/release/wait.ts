/** `release -wait`: follows one release without a word, and ends with its fate as the exit status. */

import { releaseName, stepPlace } from "../../../releases/sentence.ts";
import { exactDurationText, rolloutText } from "../../../text/amounts.ts";
import { oneLine } from "../../../text/one-line.ts";
import { follow, type Sight } from "../../../verbs/follower.ts";
import { type Progress, progressOf } from "../../../verbs/progress.ts";
import { releaseDocument } from "../../../verbs/release-document.ts";
import { type Invocation, PROGRAM } from "../../command.ts";
import { EXITS } from "../../exit.ts";
import { print } from "../../output.ts";
import { type Ending, goneEnding, stopOf } from "./ending.ts";
import type { Followed } from "./followed.ts";

/** @param timeoutMs undefined for any time */
export async function waitForRelease(
  followed: Followed,
  timeoutMs: number | undefined,
  invocation: Invocation,
): Promise<number> {
  const { io } = invocation;
  const { observer, seen, aim, found, timers } = followed;
  const over = new AbortController();
  const timer = timeoutMs === undefined ? undefined : timers.set(() => over.abort(), timeoutMs);
  let progress = progressOf(seen, found, seen.moment);
  let isSilent = false;
  let ending: Ending | undefined;
  const tell = (text: string) => io.stderr.write(`${PROGRAM}: ${oneLine(text)}\n`);
  const show = (sight: Sight): boolean => {
    if (sight.kind === "silent") {
      if (!isSilent) tell(`${sight.error.message}; the release goes on as its record says; still waiting`);
      isSilent = true;
      return true;
    }
    if (isSilent) tell("the store answers again");
    isSilent = false;
    if (sight.found === undefined) {
      ending = goneEnding(aim, found, sight);
    } else {
      progress = progressOf(sight.seen, sight.found, observer.now());
      ending = stopOf(progress);
    }
    return ending === undefined;
  };
  try {
    await follow(followed, seen, show, over.signal);
  } finally {
    timers.clear(timer);
  }
  const { exit, text } = ending ?? runningEnding(progress, timeoutMs ?? 0);
  print(invocation, { exit: EXITS[exit].status, text, ...releaseDocument(progress) }, () => `${text}\n`);
  return EXITS[exit].status;
}

function runningEnding({ target, release, rollout }: Progress, timeoutMs: number): Ending {
  const name = `${releaseName(target.application, release)} (${release.of})`;
  const place = `${stepPlace(release)}, ${target.version} at ${rolloutText(rollout)}`;
  return {
    exit: "running",
    text: oneLine(`${name} still goes on after ${exactDurationText(timeoutMs)}: ${place}`),
  };
}
