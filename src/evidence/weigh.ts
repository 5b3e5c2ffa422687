/**
 * The judge's word on the evidence of one release. Pure. It makes the judge's facts out of the figures, and
 * adds what only the evidence knows: signs that stay, and the age of the evidence.
 */

import type { Sign } from "../judge/signs.ts";
import { isBack, isCrowd, isPlace, isSplit } from "../judge/signs.ts";
import { type Verdict, verdict } from "../judge/verdict.ts";
import type { Figures } from "./figures.ts";
import { haveStopped } from "./silence.ts";

/** The signs that these figures raise. */
export function raisedBy({ split, back, misplaced, seen, heard }: Figures): readonly Sign[] {
  const signs: Sign[] = [];
  if (isSplit(split)) signs.push("split");
  if (isBack(back)) signs.push("back");
  if (isPlace(misplaced, seen)) signs.push("place");
  if (isCrowd(heard.busiestCell, heard.decisions)) signs.push("crowd");
  return signs;
}

export interface WeighOptions {
  /** The signs that were raised, without those that a person has cleared. */
  readonly signs: readonly Sign[];
  /** The verdict was abort before. An abort stays. */
  readonly isAborted: boolean;
  /** The rollout of the next step; 1 after the last one. */
  readonly rolloutNext: number;
  /** Whether the outcomes tell at which location they were. Saved outcomes may not. */
  readonly hasReach?: boolean;
}

/** The judge's word. */
export function weigh(figures: Figures, options: WeighOptions): Verdict {
  const { metrics, step, atMs, reach } = figures;
  const { signs, isAborted, rolloutNext, hasReach = true } = options;
  return verdict({
    ...{ metrics, isAborted, signs, rolloutNext },
    stepMs: atMs - step.sinceMs,
    stepFrom: step.firstSegment,
    reach: hasReach ? reach : undefined,
    isSilent: haveStopped(figures),
  });
}
