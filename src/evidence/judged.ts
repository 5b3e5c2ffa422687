/**
 * The judge's knowledge of a release, in figures and sentences. A command at a distance, the page of a daemon
 * and the metrics have all of it from here, so that they say the same. Pure; plain data.
 */

import { wholeText } from "../judge/figures.ts";
import { visitorsNeeded, visitorsWithoutErrors } from "../judge/gate-needs.ts";
import { harmOf } from "../judge/harm.ts";
import { barOf, timeToFindSentence, watchSentence } from "../judge/harm-sentences.ts";
import { type MetricWords, metricWords } from "../judge/metric-words.ts";
import { asStep, coinsIn, hasBothArms } from "../judge/segment.ts";
import { SIGNS, type Sign } from "../judge/signs.ts";
import {
  gateSentence,
  NO_CONTROL_SENTENCE,
  reachSentence,
  shortestStepSentence,
} from "../judge/step-sentences.ts";
import { type Block, REACH_MIN, SUSPICION, type Verdict } from "../judge/verdict.ts";
import type { Release } from "../releases/release.ts";
import type { Figures, MetricFigures } from "./figures.ts";
import { harmPart, type JudgedRatio, judgedRatio, leastPart, notWorsePart } from "./judged-parts.ts";
import { shortageSentences } from "./shortage.ts";
import { isNothingHeard, silenceSentences } from "./silence.ts";

const MINUTE_MS = 60_000;

/** A visitor counts for `ok` when this time has passed since it was first seen. */
const RIPE_MINUTES = 2;

export interface JudgedMetric {
  readonly name: string;
  /** The visitors of the canary, and of master, who met it while both versions had visitors. */
  readonly canary: number;
  readonly master: number;
  /** The share of these visitors that would be the canary's by chance; null without any. */
  readonly expectedShare: number | null;
  /** The length of a bar from 0 to the abort, in [0, 1]. */
  readonly bar: number;
  /** `3 of the 61 visitors who met errors were the canary's, 1 in 20 expected: no sign of harm`. */
  readonly sentence: string;
  /** `a doubling would be found in about 20 minutes, a tenfold rise in about 1 minute`. */
  readonly timeToFind: string;
  /** Whether the sentence tells more than that all is well. */
  readonly isSuspicious: boolean;
  /** The interval of the odds ratio. An older daemon leaves it out. */
  readonly ratio?: JudgedRatio;
  /** The logarithms of the evidence as parts of their limits. An older daemon leaves them out. */
  readonly harm?: number | null;
  readonly notWorse?: number | null;
}

export interface Judged {
  /** Its word on the present step. */
  readonly kind: Verdict["kind"];
  /** The strongest metric's. */
  readonly bar: number;
  /**
   * The logarithms of the evidence as parts of their limits: of harm, for the strongest metric, and that the
   * canary is not worse, for the last gate that opens. An older daemon leaves them out.
   */
  readonly harm?: number | null;
  readonly notWorse?: number | null;
  /** The visitors in the canary's arc that were seen in this step. An older daemon leaves it out. */
  readonly canaryVisitors?: number;
  /** In the order of the record. */
  readonly metrics: readonly JudgedMetric[];
  /** Why the step does not pass, without the signs; the most important first. */
  readonly blocks: readonly string[];
  /** The visitors that count for `ok`, and the estimate of how many it needs; null if it is not known. */
  readonly visitors: number;
  readonly needed: number | null;
  /** The raised signs, in the order of `SIGNS`. */
  readonly signs: readonly { readonly name: Sign; readonly isCleared: boolean }[];
  /** The outcomes of this step, and those of them that were errors. */
  readonly outcomes: number;
  readonly bad: number;
  /** `12 400 outcomes in this step, 37 of them errors`. */
  readonly heard: string;
  /** Whether a person must know that nothing is reported in this step, so that there are no figures. */
  readonly isSilent: boolean;
  /** Sentences about reports that do not come. An older daemon leaves it out. */
  readonly silences?: readonly string[];
  /** Sentences about daemons whose memory is short. An older daemon leaves it out. */
  readonly shortages?: readonly string[];
  /** Whether each visitor of a network counts, because one network has too many of the requests. */
  readonly isUncapped: boolean;
  /** Whether outcomes are heard, and none of them tells whether its visitor brought its assignment. */
  readonly isBroughtUntold: boolean;
}

export interface JudgedFacts {
  readonly figures: Figures;
  readonly verdict: Verdict;
  readonly release: Pick<Release, "slow" | "arcs" | "cleared">;
  /** The rollout of the next step; 1 after the last one. */
  readonly rolloutNext: number;
  /** The signs that were raised in this release, also those that a person has cleared. */
  readonly raised: readonly Sign[];
}

export function judgedOf(facts: JudgedFacts): Judged {
  const { figures, verdict, raised } = facts;
  const cleared = (facts.release.cleared ?? []).map(([sign]) => sign);
  const gate = slowestGate(facts);
  const { outcomes, bad } = figures.heard;
  return {
    ...{ kind: verdict.kind, bar: barOf(verdict.logTotal), isUncapped: figures.isUncapped },
    ...{ harm: harmPart(verdict.logTotal), notWorse: leastPart(verdict.gates.values()) },
    canaryVisitors: figures.reach.seen,
    ...{ isSilent: isNothingHeard(figures), isBroughtUntold: outcomes > 0 && !figures.isBroughtTold },
    silences: silenceSentences(figures),
    shortages: shortageSentences(figures),
    metrics: figures.metrics.map((metric) => judgedMetric(metric, facts)),
    blocks: blockSentences(facts, gate),
    visitors: gate?.visitors ?? 0,
    needed: gate !== undefined && Number.isFinite(gate.needed) ? gate.needed : null,
    signs: SIGNS.filter((sign) => raised.includes(sign)).map((name) => ({
      name,
      isCleared: cleared.includes(name),
    })),
    ...{ outcomes, bad, heard: heardText(outcomes, bad) },
  };
}

function heardText(outcomes: number, bad: number): string {
  const errors = bad === 0 ? "none of them an error" : `${wholeText(bad)} of them errors`;
  if (outcomes === 0) return "no outcome in this step";
  return outcomes === 1
    ? "1 outcome in this step"
    : `${wholeText(outcomes)} outcomes in this step, ${errors}`;
}

function judgedMetric(metric: MetricFigures, { figures, verdict, release }: JudgedFacts): JudgedMetric {
  const { name, weight, segments } = metric;
  const words = metricWords(name, release.slow);
  const harm = harmOf(segments);
  const { rollout, control } = figures.step;
  const evidence = verdict.evidence.find((each) => each.name === name);
  const logWeighted = evidence?.logWeighted ?? Number.NEGATIVE_INFINITY;
  const coinsPerMinute = paceOf(metric, figures, release);
  return {
    ...{ name, canary: harm.canary, master: harm.master },
    expectedShare: Number.isNaN(harm.expectedShare) ? null : harm.expectedShare,
    bar: barOf(logWeighted),
    sentence: watchSentence(harm, words, evidence ?? { ...harm, name, weight, logWeighted }),
    timeToFind: timeToFindSentence({ rollout, control, coinsPerMinute, weight }, words),
    isSuspicious: logWeighted >= Math.log(SUSPICION),
    ratio: judgedRatio(harm.ratio),
    ...{ harm: harmPart(logWeighted), notWorse: notWorsePart(verdict.gates.get(name)) },
  };
}

/** New victims a minute: in this step, or in the whole release if this step has none. */
function paceOf(
  { segments }: MetricFigures,
  { atMs, step }: Figures,
  { arcs }: Pick<Release, "arcs">,
): number {
  const inStep = coinsIn(segments.slice(step.firstSegment));
  const here = inStep.canary + inStep.master;
  if (here > 0) return here / minutesSince(step.sinceMs, atMs);
  const all = coinsIn(segments);
  return (all.canary + all.master) / minutesSince(arcs[0]?.[0] ?? step.sinceMs, atMs);
}

function minutesSince(fromMs: number, nowMs: number): number {
  return Math.max(1, (nowMs - fromMs) / MINUTE_MS);
}

/** A note for people, if no report has BROUGHT. */
export const BROUGHT_UNTOLD_SENTENCE =
  "no proxy reports which visitors brought an assignment, so ok asks for the errors of all visitors alone";

interface Gate {
  readonly metric: string;
  readonly visitors: number;
  readonly needed: number;
}

/** The gate that opens last: of those that are closed, if one is. */
function slowestGate({ figures, verdict, rolloutNext }: JudgedFacts): Gate | undefined {
  const closed = verdict.blocks.flatMap((block) => (block.kind === "gate" ? [block.metric] : []));
  let slowest: Gate | undefined;
  for (const { name, segments, visitors } of figures.metrics) {
    if (visitors === undefined || (closed.length > 0 && !closed.includes(name))) continue;
    const step = asStep(segments.slice(figures.step.firstSegment));
    if (step === undefined || !hasBothArms(step)) continue;
    const needed = visitorsNeeded({ step, visitors, rolloutNext });
    const gate = { metric: name, visitors, needed };
    if (slowest === undefined || needed - visitors > slowest.needed - slowest.visitors) slowest = gate;
  }
  return slowest;
}

function blockSentences(facts: JudgedFacts, gate: Gate | undefined): string[] {
  const { figures, verdict } = facts;
  if (isNothingHeard(figures)) return ["no outcome is reported"];
  // With a suspicion, an estimate of the visitors says nothing.
  const isSuspicious = verdict.blocks.some(({ kind }) => kind === "suspicion");
  const isFirst = (block: Block) => verdict.blocks.find(({ kind }) => kind === block.kind) === block;
  return verdict.blocks
    .filter((block) => isFirst(block) && !(isSuspicious && block.kind === "gate"))
    .filter(({ kind }) => kind !== "reach" || isReachTelling(figures) || verdict.blocks.length === 1)
    .flatMap((block) => blockSentence(block, facts, gate) ?? []);
}

/** A few visitors say nothing of the proxies. By chance none of them may be the canary's. */
function isReachTelling({ heard, step }: Figures): boolean {
  return heard.outcomes * step.rollout >= REACH_MIN;
}

function blockSentence(block: Block, facts: JudgedFacts, gate: Gate | undefined): string | undefined {
  const { verdict, release } = facts;
  switch (block.kind) {
    case "sign":
      return undefined;
    case "no-control":
      return NO_CONTROL_SENTENCE;
    case "silence":
      return "no outcome is reported any more";
    case "suspicion":
      return `${wordsOf(verdict.metric, release).what} look like the canary's fault, which may be chance`;
    case "reach":
      return reachSentence(block);
    case "time":
      return shortestStepSentence(block.leftMs);
    case "gate":
      return gate === undefined ? "no metric has a gate in this release" : gateText(gate, facts);
  }
}

function gateText(
  { metric, visitors, needed }: Gate,
  { figures, rolloutNext, release }: JudgedFacts,
): string {
  const { rollout, sinceMs } = figures.step;
  const minutes = Math.max(1, minutesSince(sinceMs, figures.atMs) - RIPE_MINUTES);
  const sentence = gateSentence({
    ...{ visitors, needed, visitorsPerMinute: visitors / minutes },
    withoutErrors: visitorsWithoutErrors(rollout, rolloutNext),
  });
  return metric === "errors" ? sentence : `${wordsOf(metric, release).what}: ${sentence}`;
}

function wordsOf(metric: string | undefined, { slow }: Pick<Release, "slow">): MetricWords {
  return metricWords(metric ?? "", slow);
}
