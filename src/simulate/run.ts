/** One simulated release, from its first step until it is aborted, at 100 %, or given up. Pure. */

import { covers } from "../circle.ts";
import { GATE_BAR, RIPE_MS } from "../judge/gate.ts";
import { GRACE_MS } from "../judge/segment.ts";
import { STEP_MS_MIN, SUSPICION } from "../judge/verdict.ts";
import type { Plan, Step } from "../releases/plan.ts";
import { Coins } from "./coins.ts";
import type { Traffic } from "./traffic.ts";

/** The gate is looked at so often. */
const LOOK_MS = 60_000;

/** A release that has not come to its last step after this time is given up. */
export const RUN_MS_MAX = 14 * 86_400_000;

export interface Run {
  /**
   * `reached`: all visitors have the canary. `late`: the judge did not pass a step before the bound of its
   * `ok`. `given up`: the same after `RUN_MS_MAX`.
   */
  readonly end: "aborted" | "reached" | "late" | "given up";
  /** The time of the end, since the beginning of the release. */
  readonly atMs: number;
  /** The step of the end, from 1. */
  readonly step: number;
  /** How long each step before it lasted. */
  readonly stepMs: readonly number[];
  /** The visitors who met an error because of the canary. */
  readonly hurt: number;
}

/**
 * Only the judge and the times of the plan hold a step back. Approvals, checks and windows are met at once.
 *
 * @param offset of the canary's arc
 */
export function runRelease(
  plan: Plan,
  weights: Readonly<Record<string, number>>,
  traffic: Traffic,
  offset: number,
): Run {
  const coins = new Coins(weights);
  const hurt = new Set<number>();
  const stepMs: number[] = [];
  const ended = (end: Run["end"], atMs: number): Run => {
    return { end, atMs, step: stepMs.length + 1, stepMs, hurt: hurt.size };
  };
  let nowMs = 0;
  for (const [index, step] of plan.steps.entries()) {
    const { rollout } = step;
    if (rollout >= 1) return ended("reached", nowMs);
    const beganAtMs = nowMs;
    const lastMs = lastLookMs(step, beganAtMs);
    traffic.beginStep(beganAtMs, { offset, rollout });
    coins.beginStep(beganAtMs, rollout);
    nowMs = beganAtMs + firstLookMs(step);
    for (;;) {
      for (let bad = traffic.nextBad(nowMs); bad !== undefined; bad = traffic.nextBad(nowMs)) {
        if (bad.isByCanary) hurt.add(bad.visitor);
        if (bad.atMs - beganAtMs < GRACE_MS) continue;
        if (coins.take(bad, covers(offset, rollout, bad.assignment))) {
          return ended("aborted", bad.atMs);
        }
      }
      if (step.wait.ok === undefined) break;
      const visitors = traffic.visitorsUntil(nowMs - RIPE_MS);
      const next = plan.steps[index + 1]?.rollout ?? 1;
      if (coins.logGate(visitors, next) >= GATE_BAR && coins.logTotal() < Math.log(SUSPICION)) break;
      if (nowMs >= lastMs) return ended(nowMs < RUN_MS_MAX ? "late" : "given up", nowMs);
      nowMs += LOOK_MS;
    }
    stepMs.push(nowMs - beganAtMs);
  }
  return ended("reached", nowMs);
}

function firstLookMs({ wait }: Step): number {
  return wait.ok === undefined ? wait.minMs : Math.max(wait.minMs, STEP_MS_MIN);
}

function lastLookMs({ wait }: Step, beganAtMs: number): number {
  return wait.ok?.boundMs === undefined ? RUN_MS_MAX : Math.min(RUN_MS_MAX, beganAtMs + wait.ok.boundMs);
}
