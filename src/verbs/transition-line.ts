/** The line of the log for each transition of a release, by any writer. */

import { Problem } from "../config/option.ts";
import type { Log } from "../log/log.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import type { Seen } from "../releases/seen.ts";
import { releaseName, stepPlace } from "../releases/sentence.ts";
import { parseWindow } from "../releases/windows.ts";
import { rolloutText } from "../text/amounts.ts";
import { quote } from "../text/quote.ts";
import type { Target } from "./look.ts";

/** `release 7 of website`. */
export function nameOf({ application }: Target, release: Pick<Release, "id">): string {
  return releaseName(application, release);
}

/** One line for a transition. The steps of a fade have none. */
export function tellTransition(
  target: Target,
  before: Seen | undefined,
  { found: { release }, rollout }: Seen,
  log: Log,
): void {
  const was = before?.found.release;
  const isFadeStep = was?.fade !== undefined && release.fade !== undefined;
  if (isFadeStep) return;
  const state = release.fade === undefined ? release.state : `${release.state} and fading`;
  const place = isUnderWay(release) ? `${state}, ${stepPlace(release)}` : state;
  log.info(`${nameOf(target, release)} is ${place}`, {
    ...target,
    rollout: rolloutText(rollout),
    from: before === undefined ? undefined : rolloutText(before.rollout),
    by: authorOf(release),
    reason: release.reason,
  });
}

/** The author of the last transition, if the log of the release still has it. */
function authorOf({ log, seq }: Release): string | undefined {
  const last = log.at(-1);
  return last?.[0] === seq ? last[5] : undefined;
}

/** The part of a release that this program does not know, for people; undefined if it knows all of it. */
export function unknownOf({ plan, found: { release } }: Seen): string | undefined {
  if (plan?.steps[release.step - 1] === undefined) return `its plan cannot be read: ${quote(release.plan)}`;
  const window = release.windows?.find((text) => parseWindow(text) instanceof Problem);
  return window === undefined ? undefined : `one of its windows cannot be read: ${quote(window)}`;
}
