/**
 * The judge's word on a release: abort, pass, or watch. Pure. An abort stays, whatever comes later, so the
 * caller remembers it.
 */

import { evidenceOf, isHarm, type MetricEvidence } from "./abort.ts";
import { GATE_BAR, logGate } from "./gate.ts";
import { asStep, hasBothArms, type Segment } from "./segment.ts";
import type { Sign } from "./signs.ts";

/** A step lasts at least this long before the judge passes it, in milliseconds. */
export const STEP_MS_MIN = 300_000;

/** From this evidence of harm on, no step passes, although it is not enough for an abort. */
export const SUSPICION = 4;

/** This share of the canary's cells, and this many, have to be reported at the canary. */
export const REACH_SHARE_MIN = 0.9;
export const REACH_MIN = 20;

export interface MetricFacts {
  readonly name: string;
  readonly weight: number;
  /** All segments of the release, the present one last. */
  readonly segments: readonly Segment[];
  /** The visitors that count for the gate; undefined if the gate does not ask for this metric. */
  readonly visitors: number | undefined;
}

/** The cells of the canary's arc that were seen in this step, after the grace. */
export interface Reach {
  readonly seen: number;
  /** The cells of these that were reported at the canary. */
  readonly atCanary: number;
}

export interface VerdictFacts {
  readonly metrics: readonly MetricFacts[];
  /** The verdict was abort before. */
  readonly isAborted: boolean;
  /** The time since the step began. */
  readonly stepMs: number;
  /** The index of the step's first segment. */
  readonly stepFrom: number;
  /** The rollout of the next step; 1 after the last one. */
  readonly rolloutNext: number;
  /** The raised signs that no person has cleared. */
  readonly signs: readonly Sign[];
  /** undefined if the outcomes are judged without their locations. */
  readonly reach: Reach | undefined;
  /** Whether reports have stopped in the middle, so that the figures are those of a time that is over. */
  readonly isSilent?: boolean;
}

/** One reason why a step does not pass, most important first in a verdict. */
export type Block =
  | { readonly kind: "sign"; readonly sign: Sign }
  | { readonly kind: "no-control" }
  | { readonly kind: "silence" }
  | { readonly kind: "suspicion" }
  | ({ readonly kind: "reach" } & Reach)
  | { readonly kind: "time"; readonly leftMs: number }
  | { readonly kind: "gate"; readonly metric: string };

export interface Verdict {
  readonly kind: "abort" | "pass" | "watch";
  /** The metric that aborts, or else the one with the strongest evidence; undefined without metrics. */
  readonly metric: string | undefined;
  /** The strongest `ln(weight) + ln E`. */
  readonly logTotal: number;
  /** In the order of the facts. */
  readonly evidence: readonly MetricEvidence[];
  /** `ln G` by the names of the gated metrics. */
  readonly gates: ReadonlyMap<string, number>;
  /** Empty exactly if the step passes, or would pass if the release were not aborted. */
  readonly blocks: readonly Block[];
}

export function verdict(facts: VerdictFacts): Verdict {
  const evidence = facts.metrics.map(evidenceOf);
  const strongest = strongestOf(evidence);
  const harm = strongestOf(evidence.filter(isHarm));
  const logTotal = strongest?.logWeighted ?? Number.NEGATIVE_INFINITY;
  const gates = gatesOf(facts);
  const blocks = blocksOf(facts, gates, logTotal);
  const isAbort = facts.isAborted || harm !== undefined;
  return {
    kind: isAbort ? "abort" : blocks.length === 0 ? "pass" : "watch",
    ...{ metric: (harm ?? strongest)?.name, logTotal, evidence, gates, blocks },
  };
}

/** The first one of the strongest. */
function strongestOf(evidence: readonly MetricEvidence[]): MetricEvidence | undefined {
  let strongest: MetricEvidence | undefined;
  for (const each of evidence) {
    if (strongest === undefined || each.logWeighted > strongest.logWeighted) strongest = each;
  }
  return strongest;
}

function gatesOf({ metrics, stepFrom, rolloutNext }: VerdictFacts): Map<string, number> {
  const gates = new Map<string, number>();
  for (const { name, segments, visitors } of metrics) {
    if (visitors === undefined) continue;
    const step = asStep(segments.slice(stepFrom));
    gates.set(name, step === undefined ? Number.NEGATIVE_INFINITY : logGate({ step, visitors, rolloutNext }));
  }
  return gates;
}

function blocksOf(facts: VerdictFacts, gates: ReadonlyMap<string, number>, logTotal: number): Block[] {
  const blocks: Block[] = facts.signs.map((sign) => ({ kind: "sign", sign }));
  if (!facts.metrics.some(({ segments }) => segments.slice(facts.stepFrom).some(hasBothArms)))
    blocks.push({ kind: "no-control" });
  if (facts.isSilent === true) blocks.push({ kind: "silence" });
  if (logTotal >= Math.log(SUSPICION)) blocks.push({ kind: "suspicion" });
  if (facts.reach !== undefined && !isReached(facts.reach)) blocks.push({ kind: "reach", ...facts.reach });
  const leftMs = STEP_MS_MIN - facts.stepMs;
  if (leftMs > 0) blocks.push({ kind: "time", leftMs });
  // A release without a gated metric has no evidence of health.
  if (gates.size === 0) blocks.push({ kind: "gate", metric: "" });
  for (const [metric, logG] of gates) if (!(logG >= GATE_BAR)) blocks.push({ kind: "gate", metric });
  return blocks;
}

function isReached({ seen, atCanary }: Reach): boolean {
  return atCanary >= REACH_MIN && atCanary >= REACH_SHARE_MIN * seen;
}
