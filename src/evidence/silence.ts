/** Sentences about reports that do not come. Pure. */

import { timeText, wholeText } from "../judge/figures.ts";
import { oneLine } from "../text/one-line.ts";
import type { Figures } from "./figures.ts";

const MINUTE_MS = 60_000;

/** Before this time in a step, a page says nothing of silence: outcomes of its first seconds do not count. */
const QUIET_MS = 30_000;

/** A longer list of daemons is cut. */
const NAMES_MAX = 6;

/** A page says this loudly, because silence is not health. */
export const NOTHING_HEARD_SENTENCE =
  "no outcome is reported in this step, so a bad canary is not found, and ok is not given: " +
  "see that the proxies report (maxwells-daemon doctor)";

/** Whether nothing at all was heard in this step, although it could have been. */
export function isNothingHeard({ heard, step, atMs }: Figures): boolean {
  return heard.outcomes === 0 && isCompared(step.rollout) && atMs - step.sinceMs >= QUIET_MS;
}

/** Whether reports have stopped in the middle. */
export function haveStopped({ reporting, step }: Figures): boolean {
  return reporting.quietSinceMs !== undefined && isCompared(step.rollout);
}

/** The most important first; empty if all is well. */
export function silenceSentences(figures: Figures): string[] {
  if (isNothingHeard(figures)) return [NOTHING_HEARD_SENTENCE];
  const { reporting, atMs, step } = figures;
  if (!isCompared(step.rollout)) return [];
  if (reporting.quietSinceMs !== undefined) return [stoppedSentence(reporting.quietSinceMs, figures)];
  if (reporting.quiet.length === 0) return [];
  const names = reporting.quiet.slice(0, NAMES_MAX).map(({ name }) => name);
  const more = reporting.quiet.length - names.length;
  const sinceMs = Math.min(...reporting.quiet.map((each) => each.sinceMs));
  return [
    oneLine(
      `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}: no outcome for ${timeText((atMs - sinceMs) / MINUTE_MS)}, ` +
        "although other daemons hear outcomes, so errors of the visitors there are not found: " +
        "see that the proxies beside them report (maxwells-daemon doctor)",
    ),
  ];
}

function stoppedSentence(sinceMs: number, { atMs, reporting }: Figures): string {
  return (
    `no outcome for ${timeText((atMs - sinceMs) / MINUTE_MS)}, after ${wholeText(reporting.outcomes)} in this release, ` +
    "so a bad canary is not found, and ok is not given: see that the proxies report (maxwells-daemon doctor)"
  );
}

/** A visitor is compared only while two versions have visitors. */
function isCompared(rollout: number): boolean {
  return rollout > 0 && rollout < 1;
}
