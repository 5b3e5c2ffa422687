/** The end of a release for a follower: an exit status, and the sentence that belongs to it. Pure. */

import { goesOn, type State } from "../../../releases/release.ts";
import { releaseName } from "../../../releases/sentence.ts";
import { oneLine } from "../../../text/one-line.ts";
import type { Aim, Sight } from "../../../verbs/follower.ts";
import { lastReason, lastSentence } from "../../../verbs/last-words.ts";
import type { Found } from "../../../verbs/observer.ts";
import type { Progress } from "../../../verbs/progress.ts";
import type { ExitCode } from "../../exit.ts";

export interface Ending {
  readonly exit: ExitCode;
  readonly text: string;
}

/** The end of a release that is there; undefined while it goes on. */
export function endingOf(progress: Progress): Ending | undefined {
  const { release } = progress;
  if (goesOn(release)) return undefined;
  return { exit: release.state === "finished" ? "ok" : "aborted", text: endSentence(progress) };
}

/** An abort has its figures. */
function endSentence(progress: Progress): string {
  const why = lastReason(progress);
  const sentence = lastSentence(progress);
  return why === undefined ? sentence : oneLine(`${sentence}: ${why}`);
}

/**
 * The same for a script, which waits for no person and no fade: it stops at the promotion and at a pause too.
 */
export function stopOf(progress: Progress): Ending | undefined {
  const exit = STOPS[progress.release.state];
  return exit === undefined ? undefined : { exit, text: endSentence(progress) };
}

const STOPS = {
  running: undefined,
  paused: "paused",
  promoted: "ok",
  aborted: "aborted",
  finished: "ok",
} as const satisfies Readonly<Record<State, ExitCode | undefined>>;

/** The end of a release that its record does not have any more. */
export function goneEnding(
  { application, version }: Aim,
  { release }: Found,
  { there }: Extract<Sight, { readonly kind: "seen" }>,
): Ending {
  const before = `${releaseName(application, release)} (${release.of})`;
  const what = `${version} of ${application}`;
  switch (there.kind) {
    case "none":
      return { exit: "replaced", text: oneLine(`${before} is gone from the record of ${what}`) };
    case "problem":
      return { exit: "failed", text: oneLine(`the release of ${what} cannot be read any more`) };
    case "release": {
      const after = `${releaseName(application, there.release)} (${there.release.of})`;
      return { exit: "replaced", text: oneLine(`${after} took the place of ${before}`) };
    }
  }
}
