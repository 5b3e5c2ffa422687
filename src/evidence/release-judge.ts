/**
 * The judge of one release in a controller: its word on the evidence, at any moment. Pure; it remembers an
 * abort. It computes only if something is new.
 *
 * The evidence of a controller may be old, because the store does not answer. Then it knows one part of the
 * outcomes, and its word would be another one than that of the fleet. So it says neither abort nor pass.
 */

import { SIGNS, type Sign } from "../judge/signs.ts";
import type { Verdict } from "../judge/verdict.ts";
import { EVIDENCE_AGE_MS_MAX } from "../releases/due.ts";
import type { Figures } from "./figures.ts";
import type { ReleaseEvidence } from "./release-evidence.ts";
import { raisedBy, weigh } from "./weigh.ts";

export interface Circumstances {
  /** The rollout of the next step of the plan; 1 after the last one. */
  readonly rolloutNext: number;
  /** The names of the signs that a person has cleared, by the record. */
  readonly cleared: readonly string[];
  /** How long ago all daemons' evidence was read; undefined for never. A release with one daemon has 0. */
  readonly evidenceAgeMs: number | undefined;
  /** The record or another daemon says that the judge aborted this release before. */
  readonly isAborted?: boolean;
}

export interface RaisedSign {
  readonly sign: Sign;
  /** When it was raised first, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Whether a person has cleared it. Then it holds nothing back. */
  readonly isCleared: boolean;
}

export interface Judgement {
  readonly kind: Verdict["kind"];
  /** The judge's word if the evidence were fresh, with all its figures. */
  readonly verdict: Verdict;
  /** Whether the evidence is too old for a word. Then `kind` is `watch`, or `abort` if it was before. */
  readonly isStale: boolean;
  /** In the order of `SIGNS`. */
  readonly signs: readonly RaisedSign[];
  readonly figures: Figures;
}

export class ReleaseJudge {
  readonly #evidence: ReleaseEvidence;
  #isAborted = false;
  #last: { readonly key: string; readonly figures: Figures; readonly judgement: Judgement } | undefined;

  constructor(evidence: ReleaseEvidence) {
    this.#evidence = evidence;
  }

  /**
   * The judge's word. It raises signs, which become news of the evidence.
   *
   * @param nowMs milliseconds since 1970 by the store's clock
   * @returns undefined before the release's first arc, and after its end
   */
  judge(nowMs: number, circumstances: Circumstances): Judgement | undefined {
    const { rolloutNext, cleared, evidenceAgeMs, isAborted = false } = circumstances;
    const isStale = evidenceAgeMs === undefined || evidenceAgeMs > EVIDENCE_AGE_MS_MAX;
    if (!isStale) this.#evidence.uncap();
    const figures = this.#evidence.figures(nowMs);
    if (figures === undefined) return undefined;
    if (!isStale) for (const sign of raisedBy(figures)) this.#evidence.raise(sign, nowMs);
    const signs = this.#signs(cleared);
    const key = JSON.stringify([rolloutNext, isStale, isAborted, signs]);
    if (this.#last?.key === key && this.#last.figures === figures) return this.#last.judgement;
    this.#isAborted ||= isAborted;
    const held = signs.filter(({ isCleared }) => !isCleared).map(({ sign }) => sign);
    const verdict = weigh(figures, { signs: held, isAborted: this.#isAborted, rolloutNext });
    const kind = isStale && !this.#isAborted ? "watch" : verdict.kind;
    this.#isAborted ||= kind === "abort";
    const judgement = { kind, verdict, isStale, signs, figures };
    this.#last = { key, figures, judgement };
    return judgement;
  }

  #signs(cleared: readonly string[]): readonly RaisedSign[] {
    return SIGNS.flatMap((sign) => {
      const sinceMs = this.#evidence.signs.get(sign);
      return sinceMs === undefined ? [] : [{ sign, sinceMs, isCleared: cleared.includes(sign) }];
    });
  }
}
