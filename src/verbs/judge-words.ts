/** The words of the judge on the page of a release. Pure. */

import type { Judged } from "../evidence/judged.ts";
import { oneLine } from "../text/one-line.ts";
import type { Progress } from "./progress.ts";

/** The evidence of harm, and how soon the judge would find some. None while there is nothing to compare. */
export function harmWords({ judged, rollout }: Progress): string[] {
  if (judged === undefined || judged.isSilent || !isCompared(rollout)) return [];
  return judged.metrics.flatMap(({ name, canary, master, sentence, timeToFind, isSuspicious }) => {
    // Without a visitor who met errors, there is no pace from which a time would follow.
    if (name === "errors") return [sentence, ...(canary + master > 0 ? [timeToFind] : [])].map(oneLine);
    return isSuspicious ? [oneLine(sentence)] : [];
  });
}

/** Silence is not health, so it stands by itself. */
export function silenceWords({ judged, rollout }: Progress): string[] {
  return isCompared(rollout) ? [...(judged?.silences ?? [])] : [];
}

/** All suspicion, for a line of its own; empty if there is none. */
export function suspicionText({ judged }: Progress): string {
  const suspicious: Judged["metrics"] = judged?.metrics.filter(({ isSuspicious }) => isSuspicious) ?? [];
  return suspicious.map(({ sentence }) => sentence).join("; ");
}

function isCompared(rollout: number): boolean {
  return rollout > 0 && rollout < 1;
}
