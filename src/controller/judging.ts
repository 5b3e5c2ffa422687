/**
 * The judge's part in one release: it weighs the evidence when something is new, takes the visitors back if
 * there is harm, and gives its word on the present step.
 *
 * It neither aborts nor passes on old evidence, because a daemon alone sees only its own visitors.
 */

import type { Figures } from "../evidence/figures.ts";
import { raisedBy, weigh } from "../evidence/weigh.ts";
import type { Hearing } from "../hearing/hearing.ts";
import type { Hearings } from "../hearing/hearings.ts";
import { harmOf } from "../judge/harm.ts";
import { abortSentence } from "../judge/harm-sentences.ts";
import { metricWords } from "../judge/metric-words.ts";
import type { Verdict } from "../judge/verdict.ts";
import { EVIDENCE_AGE_MS_MAX } from "../releases/due.ts";
import type { Release } from "../releases/release.ts";
import type { Seen } from "../releases/seen.ts";
import { oneLine } from "../text/one-line.ts";
import type { Timers } from "../timers.ts";
import type { Target } from "../verbs/look.ts";

/** Coins that come together are weighed together. */
const TOGETHER_MS = 50;

/** The judge's word on a step, and the figures from which it comes. */
export interface Word {
  readonly verdict: Verdict;
  readonly figures: Figures;
}

export interface JudgingParts {
  readonly hearings: Pick<Hearings, "of">;
  readonly timers: Timers;
  /** The release as it was seen last. */
  readonly seen: () => Seen;
  /** There is harm. It may be called again. */
  readonly harm: (reason: string) => void;
  /** The word may be another one. */
  readonly changed: () => void;
}

export class Judging {
  readonly #target: Target;
  readonly #key: string;
  readonly #parts: JudgingParts;
  #last: (Word & { readonly rolloutNext: number; readonly cleared: string }) | undefined;
  #timer: unknown;
  #isArmed = false;

  constructor(target: Target, key: string, parts: JudgingParts) {
    this.#target = target;
    this.#key = key;
    this.#parts = parts;
  }

  /** Something is new in the evidence. It is weighed within `TOGETHER_MS`. */
  look(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#timer = this.#parts.timers.set(() => {
      this.#isArmed = false;
      this.#weigh();
    }, TOGETHER_MS);
  }

  close(): void {
    this.#isArmed = true;
    this.#parts.timers.clear(this.#timer);
  }

  /** The signs that were raised in this release, also those that a person has cleared. */
  signs(): readonly string[] {
    return this.#hearing()?.signs() ?? [];
  }

  /** The word on the step of a state of the record; undefined if nothing can be said of it. */
  word(seen: Seen): Word | undefined {
    const hearing = this.#hearing();
    const figures = hearing?.figures();
    const { release } = seen.found;
    // The feed may know the present step later than a fresh look does. Then the figures are of another step.
    if (figures === undefined || !hearing?.follows(release)) return undefined;
    const rolloutNext = seen.plan?.steps[release.step]?.rollout ?? 1;
    const cleared = (release.cleared ?? []).map(([sign]) => sign);
    const last = this.#last;
    const isSame = last?.figures === figures && last.rolloutNext === rolloutNext;
    if (last !== undefined && isSame && last.cleared === cleared.join()) return last;
    hearing.raise(raisedBy(figures));
    const signs = hearing.signs().filter((sign) => !cleared.includes(sign));
    const verdict = weigh(figures, { signs, isAborted: false, rolloutNext });
    this.#last = { verdict, figures, rolloutNext, cleared: cleared.join() };
    return this.#last;
  }

  /** The age of the evidence that was read last; undefined if there is none. */
  get evidenceAgeMs(): number | undefined {
    return this.#hearing()?.ageMs;
  }

  /** For the conditions of the release: undefined if the judge has no word. */
  ok(seen: Seen): "pass" | "watch" | undefined {
    const kind = this.#isFresh() ? this.word(seen)?.verdict.kind : undefined;
    return kind === "abort" ? "watch" : kind;
  }

  #weigh(): void {
    const seen = this.#parts.seen();
    const word = this.#isFresh() && seen.rollout > 0 && seen.rollout < 1 ? this.word(seen) : undefined;
    if (word?.verdict.kind === "abort") this.#parts.harm(abortReason(word, seen.found.release));
    this.#parts.changed();
  }

  #isFresh(): boolean {
    const ageMs = this.evidenceAgeMs;
    return ageMs !== undefined && ageMs <= EVIDENCE_AGE_MS_MAX;
  }

  #hearing(): Hearing | undefined {
    return this.#parts.hearings.of(this.#target, this.#key);
  }
}

/** Why the visitors of a release are taken back, with the figures. */
function abortReason({ verdict, figures }: Word, { slow = [] }: Release): string {
  const metric = figures.metrics.find(({ name }) => name === verdict.metric);
  const words = metricWords(verdict.metric ?? "", slow);
  return oneLine(abortSentence(harmOf(metric?.segments ?? []), words));
}
