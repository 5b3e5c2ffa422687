/** Values for the tests of releases: plans, releases, the state of a record, and requests. */

import { NOTHING_KNOWN } from "../../src/releases/known.ts";
import type { Plan } from "../../src/releases/plan.ts";
import { PlanProblems, parsePlan } from "../../src/releases/plan-parser.ts";
import type { FoundRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import type { Now, Outcome, Request, Stamp, Start } from "../../src/releases/request.ts";

export const KEY = "0123456789abcdef01234567";
export const OTHER_KEY = "fedcba9876543210fedcba98";
export const TX = "00112233445566778899aabb";
export const BEGAN_MS = Date.parse("2026-11-29T12:00:00.000Z");

export function planOf(text: string): Plan {
  const plan = parsePlan(text);
  if (plan instanceof PlanProblems) throw new Error(plan.problems.map(({ message }) => message).join("; "));
  return plan;
}

/** 1%, 5%, 25%, 100%. */
export const PLAN = planOf("1%:10m,5%:30m+ok,25%:1h+ok<2h,100%:1d");

export const STAMP: Stamp = { nowMs: BEGAN_MS + 60_000, tx: TX, author: "ada@web-1" };

/** A release in its second step, running at 5 %. */
export function releaseOf(changes: Partial<Release> = {}): Release {
  return {
    ...{ format: 1, key: KEY, id: 7, of: "v42", plan: PLAN.text, state: "running", step: 2 },
    ...{ since: "2026-11-29T12:00:00.000Z", inconclusive: "pause" },
    arcs: [
      [BEGAN_MS - 600_000, 0.01, 0.25],
      [BEGAN_MS, 0.05, 0.25],
    ],
    ...{ wrote: [0.05, 0.25], seq: 4, tx: TX, others: {} },
    log: [[4, BEGAN_MS, "running", 2, 0.05, "web-2"]],
    ...changes,
  };
}

/** The record in which a release lies, as the release wrote it. */
export function nowOf(found: Release | FoundRelease, changes: Partial<Now> = {}): Now {
  const isFound = "kind" in found;
  const [rollout, offset] = isFound ? [0, 0] : found.wrote;
  return {
    ...{ rollout, offset, failsafe: "master", isMalformed: false, plan: PLAN, otherVersion: undefined },
    found: isFound ? found : { kind: "release", release: found },
    ...changes,
  };
}

export const NONE: FoundRelease = { kind: "none" };

export const START: Start = {
  ...{ key: OTHER_KEY, id: 8, of: "v43", plan: PLAN, offset: 0.5, inconclusive: "pause" },
  ...{ failsafe: undefined, windows: undefined, slow: undefined, weights: undefined },
};

const PIN = { key: KEY, step: 2 };

/** A request of each verb that fits `releaseOf()`. */
export const REQUESTS = {
  advance: { verb: "advance", pin: { ...PIN, seq: 4 }, waits: [{ state: "met" }] },
  promote: { verb: "promote", pin: PIN, to: undefined, resume: false },
  pause: { verb: "pause", key: KEY, reason: "lunch" },
  resume: { verb: "resume", pin: PIN },
  abort: { verb: "abort", key: KEY, reason: "INC-42" },
  verdict: { verb: "verdict", key: KEY, reason: "errors" },
  undo: { verb: "undo", key: KEY, reason: undefined, overMs: 0 },
  finish: { verb: "finish", key: KEY, reason: undefined, deployed: "v42", overMs: 0 },
  release: { verb: "release", start: START, replace: false, seenKey: KEY, reason: undefined },
  clear: { verb: "clear", key: KEY, sign: "split", why: "a bot" },
  foreign: { verb: "foreign", key: KEY },
  restore: { verb: "restore", known: NOTHING_KNOWN },
} as const satisfies { readonly [Verb in Request["verb"]]: Request & { readonly verb: Verb } };

/** The state of the record after an outcome. */
export function after(now: Now, outcome: Outcome): Now {
  if (outcome.kind !== "write") return now;
  const { rollout, offset, failsafe, release } = outcome;
  const found: FoundRelease = release === null ? now.found : { kind: "release", release };
  return { ...now, rollout, offset, failsafe, found, isMalformed: false };
}
