/**
 * Judges saved outcomes, with the code that judges a release under way. Pure.
 *
 * The plan of the release went on by its times, whatever the judge said. So one file tells when the judge
 * would have aborted, and which steps it would have passed.
 *
 * It looks for an abort after each coin, and at signs and the gate at each whole minute, before the outcomes
 * from then on.
 */

import { emptyOutcome, type OutcomeDraft } from "../intake/outcome.ts";
import { RIPE_MS } from "../judge/gate.ts";
import { type Harm, harmOf } from "../judge/harm.ts";
import type { Sign } from "../judge/signs.ts";
import { STEP_MS_MIN } from "../judge/verdict.ts";
import type { Figures } from "./figures.ts";
import { ReleaseEvidence } from "./release-evidence.ts";
import { ReleaseJudge } from "./release-judge.ts";
import type { SavedOutcome, SavedRelease } from "./saved.ts";
import { TIME_MAX } from "./timeline.ts";
import { weigh } from "./weigh.ts";

export interface ReplayedAbort {
  /** The line of the file with the last coin, counted from 1. */
  readonly line: number;
  /** Its time in seconds. */
  readonly t: number;
  readonly metric: string;
  /** `ln(weight) + ln E` of that metric. */
  readonly logTotal: number;
}

export interface Replayed {
  readonly abort: ReplayedAbort | null;
  /** The seconds at which each sign was raised. */
  readonly signs: Readonly<Partial<Record<Sign, number>>>;
  /**
   * The steps of the plan that the judge passed, counted from 1, each with the first second at which it did.
   */
  readonly passes: readonly { readonly step: number; readonly t: number }[];
  /** By metric and segment. */
  readonly coins: Readonly<Record<string, readonly (readonly [canary: number, master: number])[]>>;
}

const MINUTE_S = 60;

/** So long after an outcome, all visitors count and each step has lasted long enough, so nothing changes. */
const QUIET_S = (STEP_MS_MIN + RIPE_MS) / 1_000;

/** There is one daemon, and no person. */
const ALONE = { cleared: [], evidenceAgeMs: 0 } as const;

/** The evidence needs a key. All that hangs on it here is the order of slots in tables. */
const KEY = "0".repeat(24);

export class Replay {
  readonly #release: SavedRelease;
  readonly #evidence: ReleaseEvidence;
  readonly #judge: ReleaseJudge;
  readonly #beganAtS: number;
  readonly #endsAtS: number;
  readonly #draft: OutcomeDraft = emptyOutcome();
  readonly #passes: { step: number; t: number }[] = [];
  #abort: ReplayedAbort | null = null;
  #harm: Harm | undefined;
  #inside = 0;
  /** The next whole minute to look at. */
  #minute: number;
  #lastS: number;

  constructor(release: SavedRelease) {
    const { plan, offset, slowBoundsMs } = release;
    const [first] = plan;
    this.#release = release;
    this.#beganAtS = first?.at ?? 0;
    const endS = plan.findLast(({ rollout }) => rollout === null)?.at ?? Number.POSITIVE_INFINITY;
    this.#endsAtS = Math.min(endS, this.#beganAtS + TIME_MAX / 1_000);
    this.#lastS = this.#beganAtS;
    this.#minute = Math.ceil(this.#beganAtS / MINUTE_S);
    this.#evidence = new ReleaseEvidence({
      from: "replay",
      release: {
        key: KEY,
        state: plan.at(-1)?.rollout === null ? "finished" : "running",
        slow: slowBoundsMs.map((bound) => `${bound}ms`),
        weights: undefined,
        arcs: plan.map(({ at, rollout }) => [this.#ms(at), rollout ?? 0, offset]),
      },
    });
    this.#judge = new ReleaseJudge(this.#evidence);
  }

  /** @param line the number of its line, for the answer */
  take(outcome: SavedOutcome, line: number): void {
    const { t } = outcome;
    const untilS = Math.min(t, this.#lastS + QUIET_S);
    for (; this.#minute * MINUTE_S <= untilS && this.#minute * MINUTE_S < this.#endsAtS; this.#minute++)
      this.#look();
    this.#minute = Math.max(this.#minute, Math.floor(t / MINUTE_S) + 1);
    if (t >= this.#beganAtS && t < this.#endsAtS) this.#inside++;
    this.#lastS = Math.max(this.#lastS, Math.min(t, this.#endsAtS));
    if (!this.#evidence.takeDecided(this.#fill(outcome), this.#ms(t)) || this.#abort !== null) return;
    const figures = this.#evidence.figures(this.#ms(t), Number.POSITIVE_INFINITY);
    if (figures === undefined) return;
    const { kind, metric = "", evidence } = weigh(figures, { signs: [], isAborted: false, rolloutNext: 1 });
    if (kind !== "abort") return;
    const logTotal = evidence.find(({ name }) => name === metric)?.logWeighted ?? 0;
    this.#abort = { line, t, metric, logTotal };
    this.#harm = harmOf(figures.metrics.find(({ name }) => name === metric)?.segments ?? []);
  }

  /** How many outcomes were within the times of the release. */
  get inside(): number {
    return this.#inside;
  }

  /** The figures of the metric that aborted, at that moment; undefined if none did. */
  get harm(): Harm | undefined {
    return this.#harm;
  }

  answer(): Replayed {
    const hasEnd = this.#release.plan.at(-1)?.rollout === null;
    const atMs = hasEnd ? this.#ms(this.#endsAtS) - 1 : this.#ms(this.#lastS);
    return {
      abort: this.#abort,
      signs: Object.fromEntries(Array.from(this.#evidence.signs, ([sign, ms]) => [sign, this.#seconds(ms)])),
      passes: this.#passes,
      coins: coinsOf(this.#evidence.figures(atMs, 0)),
    };
  }

  /** At a whole minute. After an abort only signs can be new. */
  #look(): void {
    const t = this.#minute * MINUTE_S;
    const step = this.#stepAt(t);
    // Before a pause, and after the last step, the next one may be as large as can be.
    const rolloutNext = this.#release.plan[step]?.rollout || 1;
    const isAborted = this.#abort !== null;
    this.#evidence.figures(this.#ms(t), 0);
    const judgement = this.#judge.judge(this.#ms(t), { ...ALONE, rolloutNext, isAborted });
    if (judgement?.kind !== "pass" || this.#passes.some((pass) => pass.step === step)) return;
    this.#passes.push({ step, t });
  }

  /** The number of a step, counted from 1. */
  #stepAt(t: number): number {
    return this.#release.plan.findLastIndex(({ at }) => at <= t) + 1;
  }

  #fill({ u, location, status, ms, brought, forced, source }: SavedOutcome): OutcomeDraft {
    const draft = this.#draft;
    draft.assignment = u;
    draft.location = location;
    draft.kind = status === 0 ? "left" : "answered";
    draft.status = status;
    draft.durationMs = ms ?? Number.NaN;
    draft.isBrought = brought;
    draft.isForced = forced;
    draft.source = source;
    return draft;
  }

  /** Milliseconds since the first step. A fraction of a second is a decimal, and no sum of powers of 2. */
  #ms(seconds: number): number {
    return Math.round((seconds - this.#beganAtS) * 1e6) / 1e3;
  }

  #seconds(ms: number): number {
    return ms / 1_000 + this.#beganAtS;
  }
}

function coinsOf(figures: Figures | undefined): Replayed["coins"] {
  return Object.fromEntries(
    (figures?.metrics ?? []).map(({ name, segments }) => [
      name,
      segments.map(({ canary, master }): [number, number] => [canary, master]),
    ]),
  );
}
