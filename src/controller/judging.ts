/**
 * The judge's part in one release: it weighs the evidence when something is new, takes the visitors back if
 * there is harm, and gives its word on the present step.
 *
 * It neither aborts nor passes on old evidence, because a daemon alone sees only its own visitors.
 */

import { type Judged, judgedOf } from "../evidence/judged.ts";
import type { Judgement } from "../evidence/release-judge.ts";
import { QUIET_MS_MIN } from "../evidence/reporters.ts";
import { haveStopped, isNothingHeard, silenceSentences } from "../evidence/silence.ts";
import type { Hearing } from "../hearing/hearing.ts";
import type { Hearings } from "../hearing/hearings.ts";
import { harmOf } from "../judge/harm.ts";
import { abortSentence } from "../judge/harm-sentences.ts";
import { metricWords } from "../judge/metric-words.ts";
import type { Sign } from "../judge/signs.ts";
import type { Release } from "../releases/release.ts";
import type { Seen } from "../releases/seen.ts";
import { oneLine } from "../text/one-line.ts";
import type { Timers } from "../timers.ts";
import type { Target } from "../verbs/look.ts";

/** Coins that come together are weighed together. */
const TOGETHER_MS = 50;

export interface JudgingParts {
  readonly hearings: Pick<Hearings, "of">;
  readonly timers: Timers;
  /** The release as it was seen last. */
  readonly seen: () => Seen;
  /** There is harm. Called once. */
  readonly harm: (reason: string) => void;
  /** A sign holds the release back. It is called once for each sign. */
  readonly raised: (sign: Sign) => void;
  /**
   * Reports do not come, or they do.
   *
   * @param silence what a person must know of it; undefined if all is well
   * @param isWhole whether no daemon hears any
   */
  readonly silent: (silence: string | undefined, isWhole: boolean) => void;
  /** The word may be another one. */
  readonly changed: () => void;
}

export class Judging {
  readonly #target: Target;
  readonly #key: string;
  readonly #parts: JudgingParts;
  #timer: unknown;
  #isArmed = false;
  #isTold = false;
  /** The signs that the log has. */
  readonly #toldSigns = new Set<Sign>();
  #shown: { readonly of: Judgement; readonly judged: Judged } | undefined;

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

  /** The judge's word on a state of the record; undefined if nothing can be said of it. */
  judgement(seen: Seen): Judgement | undefined {
    // The feed may know the present step later than a fresh look does. Then the evidence is of another step.
    return this.#hearing()?.follows(seen.found.release) ? this.#wordFor(seen) : undefined;
  }

  /** The same in figures and sentences, for people. */
  judged(seen: Seen): Judged | undefined {
    const judgement = this.judgement(seen);
    if (judgement === undefined) return undefined;
    if (this.#shown?.of === judgement) return this.#shown.judged;
    const { figures, verdict, signs } = judgement;
    const { release } = seen.found;
    const rolloutNext = rolloutNextOf(seen);
    const raised = signs.map(({ sign }) => sign);
    const judged = judgedOf({ figures, verdict, release, rolloutNext, raised });
    this.#shown = { of: judgement, judged };
    return judged;
  }

  /** The age of the evidence that was read last; undefined if there is none. */
  get evidenceAgeMs(): number | undefined {
    return this.#hearing()?.ageMs;
  }

  /** For the conditions of the release: undefined if the judge has no word. */
  ok(seen: Seen): "pass" | "watch" | undefined {
    const judgement = this.judgement(seen);
    if (judgement === undefined || judgement.isStale) return undefined;
    return judgement.kind === "pass" ? "pass" : "watch";
  }

  /**
   * The judge's word on the release. Harm in an earlier step is harm in this one too. So an abort does not
   * wait until the feed knows the step that this daemon has just written.
   */
  #wordFor(seen: Seen): Judgement | undefined {
    const { cleared = [] } = seen.found.release;
    return this.#hearing()?.judge({
      rolloutNext: rolloutNextOf(seen),
      cleared: cleared.map(([sign]) => sign),
    });
  }

  #weigh(): void {
    const seen = this.#parts.seen();
    const hasControl = seen.rollout > 0 && seen.rollout < 1;
    const judgement = hasControl ? this.#wordFor(seen) : undefined;
    if (judgement?.kind === "abort" && !this.#isTold) {
      // Once: a person may take the release forward all the same, and that person wins.
      this.#isTold = true;
      this.#parts.harm(abortReason(judgement, seen.found.release));
    }
    for (const { sign, isCleared } of judgement?.signs ?? []) {
      if (isCleared || this.#toldSigns.has(sign)) continue;
      this.#toldSigns.add(sign);
      this.#parts.raised(sign);
    }
    if (judgement !== undefined && !judgement.isStale) this.#tellSilence(judgement, seen);
    this.#parts.changed();
  }

  /**
   * A page has a silence sooner than the log. If no proxy reports at all, and the plan does not wait for
   * `ok`, no person misses the outcomes.
   */
  #tellSilence({ figures }: Judgement, { plan }: Seen): void {
    const [silence] = silenceSentences(figures);
    const isNothing = isNothingHeard(figures);
    const isEarly = figures.atMs - figures.step.sinceMs < QUIET_MS_MIN;
    const isMissed = haveStopped(figures) || plan?.steps.some(({ wait }) => wait.ok !== undefined) === true;
    if (isNothing && (isEarly || !isMissed)) return;
    this.#parts.silent(silence, isNothing || haveStopped(figures));
  }

  #hearing(): Hearing | undefined {
    return this.#parts.hearings.of(this.#target, this.#key);
  }
}

/** The rollout of the next step; 1 after the last one. */
function rolloutNextOf({ plan, found }: Seen): number {
  return plan?.steps[found.release.step]?.rollout ?? 1;
}

/** Why the visitors of a release are taken back, with the figures. */
function abortReason({ verdict, figures }: Judgement, { slow = [] }: Release): string {
  const metric = figures.metrics.find(({ name }) => name === verdict.metric);
  const words = metricWords(verdict.metric ?? "", slow);
  return oneLine(abortSentence(harmOf(metric?.segments ?? []), words));
}
