/** The laws of a release, for all that a witness and the visitors saw. Each function returns the offences. */

import { covers } from "../../../src/circle.ts";
import type { Answer, Visitor } from "./crowd.ts";
import type { Witnessed } from "./witness.ts";

/**
 * Writes that came earlier after the one before than the wait of a step, by this machine's clock. A write
 * that came that early may be missed by the time between two looks of the witness, but none is told wrongly.
 */
export function shortened(states: readonly Witnessed[], waitMs: number): string[] {
  return states.flatMap((state, index) => {
    const before = states[index - 1];
    if (before === undefined || before.release.state !== "running") return [];
    // The witness may have missed states between the two.
    const waits = state.release.step - before.release.step;
    const atMostMs = state.beforeMs - before.afterMs;
    return atMostMs < waits * waitMs
      ? [`step ${before.release.step} to ${state.release.step}: ${Math.ceil(atMostMs)} ms at most`]
      : [];
  });
}

/** Answers of the canary to visitors that were outside its arc in each state so far. */
export function tooEarly(answers: readonly Answer[], states: readonly Witnessed[]): string[] {
  return answers.flatMap(({ visitor: { assignment }, name, answeredMs }) => {
    if (name !== "canary") return [];
    const arcs = states.filter(({ afterMs }) => afterMs <= answeredMs);
    if (arcs.some(({ offset, rollout }) => covers(offset, rollout, assignment))) return [];
    return [`${assignment} was at the canary while it had ${arcs.at(-1)?.rollout ?? "no visitors"}`];
  });
}

/**
 * Visitors that moved against the direction: from the canary to master before an operator wanted that, or
 * back to the canary after it.
 *
 * @param loweredMs when the operator typed the command that takes visitors back
 */
export function astray(answers: readonly Answer[], loweredMs: number): string[] {
  const moves = new Map<Visitor, string[]>();
  return answers.flatMap(({ visitor, name, answeredMs }) => {
    const names = moves.get(visitor) ?? [];
    moves.set(visitor, names);
    if (name === (names.at(-1) ?? "master")) return [];
    names.push(name);
    const isRight = name === "canary" ? names.length === 1 : answeredMs > loweredMs;
    return isRight ? [] : [`${visitor.assignment} went to ${names.join(", ")}`];
  });
}
