/** Why a step does not pass yet, as sentences. Each is one line without a full stop at its end. Pure. */

import { roundText, timeText, visitorsText, wholeText } from "./figures.ts";
import type { Sign } from "./signs.ts";
import { REACH_MIN, type Reach } from "./verdict.ts";

export interface GateProgress {
  readonly visitors: number;
  /** `visitorsNeeded`. */
  readonly needed: number;
  /** `visitorsWithoutErrors`. */
  readonly withoutErrors: number;
  /** Visitors of this step who are seen for the first time, a minute; 0 if it is not known. */
  readonly visitorsPerMinute: number;
}

/** An estimate that is this much larger needs its reason. */
const NOTABLE = 1.2;

/** `2 900 of about 4 300 visitors seen, about 14 minutes`. */
export function gateSentence(progress: GateProgress): string {
  const { visitors, needed, withoutErrors, visitorsPerMinute } = progress;
  if (visitors === 0)
    return `no visitor seen for two minutes yet, about ${roundText(withoutErrors)} visitors needed`;
  const seen = wholeText(visitors);
  if (!Number.isFinite(needed))
    return `${seen} visitors seen, and no number is enough by the present figures`;
  const more =
    needed > NOTABLE * withoutErrors
      ? `; without errors, about ${roundText(withoutErrors)} would be enough`
      : "";
  const left = needed - visitors;
  // It is open by the figures of this moment.
  if (left <= 0) return `${seen} visitors seen, which is enough`;
  const time = visitorsPerMinute > 0 ? `, ${timeText(left / visitorsPerMinute)}` : "";
  return `${seen} of about ${roundText(needed)} visitors seen${time}${more}`;
}

/** The meaning of each sign. */
export const SIGN_SENTENCES: Readonly<Record<Sign, string>> = {
  split:
    "visitors are not spread over the circle as the arcs say: some choose their assignments, or a program makes them",
  back: "visitors come back from the canary less often: it loses their cookie, or they leave, and its errors look fewer",
  place:
    "visitors were served by another version than the rollout says: a proxy does not do what is configured",
  crowd:
    "one assignment has more than 1 in 20 of all requests: a cache may give one visitor's cookie to many",
};

/** Why the canary's visitors are not known to have reached it. */
export function reachSentence({ seen, atCanary }: Reach): string {
  if (seen === 0) {
    return "nothing heard of the canary's visitors in this step, so ok is not given: see that the proxies report (maxwells-daemon doctor)";
  }
  if (atCanary < REACH_MIN && atCanary === seen) {
    return `${visitorsText(atCanary)} reported at the canary, ${REACH_MIN} needed`;
  }
  return (
    `${wholeText(atCanary)} of the canary's ${visitorsText(seen)} were reported at the canary, so ok is not given: ` +
    "see where the proxies send the others"
  );
}

/** The rest of the shortest step. */
export function shortestStepSentence(leftMs: number): string {
  return `a step lasts five minutes at least, ${timeText(leftMs / 60_000)} more`;
}

export const NO_CONTROL_SENTENCE = "only one version has visitors, so there is nothing to compare";
