/** How many visitors a gate needs. Pure. */

import { BUDGET, GATE_BAR, type GateFacts, logGate } from "./gate.ts";

/** Beyond this many visitors, the present figures say nothing about when the gate opens. */
const VISITORS_MAX = 2 ** 40;

/**
 * The visitors with which the gate opens if the canary is sound from now on: each arm then meets errors at
 * the rate of both together. Infinity if no number is enough. It is an estimate, because coins fall by
 * chance.
 */
export function visitorsNeeded(facts: GateFacts): number {
  let opens = Math.max(facts.visitors, 1);
  if (isOpenWith(facts, opens)) return facts.visitors;
  let closed = opens;
  while (!isOpenWith(facts, opens)) {
    closed = opens;
    opens *= 2;
    if (opens > VISITORS_MAX) return Number.POSITIVE_INFINITY;
  }
  while (opens - closed > 1) {
    const middle = Math.floor((opens + closed) / 2);
    if (isOpenWith(facts, middle)) opens = middle;
    else closed = middle;
  }
  return opens;
}

/** The visitors with which the gate opens if none of them meets an error. */
export function visitorsWithoutErrors(rollout: number, rolloutNext: number, budget: number = BUDGET): number {
  const step = { rollout, control: 1 - rollout, canary: 0, master: 0 };
  return visitorsNeeded({ step, visitors: 0, rolloutNext, budget });
}

function isOpenWith(facts: GateFacts, visitors: number): boolean {
  const { rollout, control, canary, master } = facts.step;
  const more = ((visitors - facts.visitors) * (canary + master)) / Math.max(1, facts.visitors);
  const theta = rollout / (rollout + control);
  const step = { rollout, control, canary: canary + more * theta, master: master + more * (1 - theta) };
  return logGate({ ...facts, step, visitors }) >= GATE_BAR;
}
