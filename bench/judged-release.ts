/**
 * One release by the clock, judged by the program's own code from the line of text to the verdict: the reader
 * of reports, the tables of a daemon, and the judge of a controller.
 */

import { covers } from "../src/circle.ts";
import { ReleaseEvidence } from "../src/evidence/release-evidence.ts";
import { ReleaseJudge } from "../src/evidence/release-judge.ts";
import type { EvidenceRelease } from "../src/evidence/tables.ts";
import { emptyOutcome } from "../src/intake/outcome.ts";
import { readReport } from "../src/intake/report.ts";
import type { Plan } from "../src/releases/plan.ts";
import type { BadOutcome, CanaryArc, Traffic } from "../src/simulate/traffic.ts";

const BEGAN_MS = Date.UTC(2026, 10, 29);
const CIRCUMSTANCES = { rolloutNext: 1, cleared: [], evidenceAgeMs: 0 };

/** Some visitors share a network, of which one coin counts. */
const VISITORS_A_NETWORK = 4;

/** Returns whether the release was aborted. */
export function isAborted(
  plan: Plan,
  weights: Readonly<Record<string, number>>,
  traffic: Traffic,
  offset: number,
): boolean {
  const evidence = new ReleaseEvidence({ release: recordOf(plan, weights, offset), from: "bench" });
  const judge = new ReleaseJudge(evidence);
  const outcome = emptyOutcome();
  let beganAtMs = 0;
  for (const { rollout, wait } of plan.steps) {
    if (rollout >= 1) break;
    const arc = { offset, rollout };
    traffic.beginStep(beganAtMs, arc);
    beganAtMs += wait.minMs;
    for (let bad = traffic.nextBad(beganAtMs); bad !== undefined; bad = traffic.nextBad(beganAtMs)) {
      const line = lineOf(bad, arc);
      if (readReport(line, outcome) !== undefined) throw new Error(`not an outcome: ${line}`);
      const nowMs = BEGAN_MS + bad.atMs;
      // A coin of master never raises the evidence.
      if (!evidence.take(outcome, nowMs) || !isOfCanary(bad, arc)) continue;
      if (judge.judge(nowMs, CIRCUMSTANCES)?.kind === "abort") return true;
    }
  }
  return false;
}

function recordOf(plan: Plan, weights: Readonly<Record<string, number>>, offset: number): EvidenceRelease {
  const arcs: [number, number, number][] = [];
  let atMs = BEGAN_MS;
  for (const { rollout, wait } of plan.steps) {
    arcs.push([atMs, rollout, offset]);
    atMs += wait.minMs;
  }
  return { key: "5f2c09ab5f2c09ab5f2c09ab", state: "running", slow: undefined, weights, arcs };
}

function lineOf(bad: BadOutcome, arc: CanaryArc): string {
  const location = isOfCanary(bad, arc) ? "canary" : "master";
  const network = Math.floor(bad.visitor / VISITORS_A_NETWORK);
  const source = `10.${(network >> 8) & 255}.${network & 255}.${bad.visitor % VISITORS_A_NETWORK}`;
  return `website ${location} ${bad.assignment} 500 0.000 ${bad.isBrought ? 1 : 0} source=${source}`;
}

function isOfCanary({ assignment }: BadOutcome, { offset, rollout }: CanaryArc): boolean {
  return covers(offset, rollout, assignment);
}
