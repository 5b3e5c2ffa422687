/** Outcomes and releases for tests of the evidence. */

import type { EvidenceRelease } from "../../src/evidence/tables.ts";
import { emptyOutcome, type Outcome } from "../../src/intake/outcome.ts";
import type { Random } from "../support/random.ts";

/** The time of the first arc of all releases here. */
export const ZERO_MS = 1_764_417_600_000;

/** A release as its record has it. */
export function releaseOf(
  plan: readonly { readonly at: number; readonly rollout: number | null }[],
  offset: number,
  changes: Partial<EvidenceRelease> = {},
): EvidenceRelease {
  return {
    key: "5f2c09ab5f2c09ab5f2c09ab",
    state: plan.at(-1)?.rollout === null ? "finished" : "running",
    arcs: plan.map(({ at, rollout }) => [ZERO_MS + at * 1_000, rollout ?? 0, offset] as const),
    ...changes,
  };
}

/** A line of the judge's examples. */
export interface SavedLine {
  readonly t: number;
  readonly u: number;
  readonly location: string;
  readonly status: number;
  readonly ms: number;
  readonly brought?: boolean;
  readonly forced?: boolean;
}

/** An outcome that a test may change. */
export type Draft = { -readonly [K in keyof Outcome]: Outcome[K] };

export function outcomeOf(line: SavedLine & { readonly source?: string | undefined }): Draft {
  const { u, location, status, ms, brought, forced, source } = line;
  return {
    ...emptyOutcome(),
    ...{ application: "website", assignment: u, location, status, durationMs: ms },
    ...{ isBrought: brought === true, isForced: forced === true, source },
  };
}

/** Steps of seconds, with the awkward kinds: a pause, and the arc of everyone. */
export const PLAN = [
  { at: 0, rollout: 0.05 },
  { at: 1_000, rollout: 0.25 },
  { at: 1_300, rollout: 0 },
  { at: 1_400, rollout: 0.5 },
  { at: 4_000, rollout: 1 },
  { at: 4_300, rollout: null },
] as const;

export interface DrawnLine extends SavedLine {
  readonly source?: string;
}

/** Lines of a few hundred visitors, in the order of their times; some are before the release, or after it. */
export function drawLines(random: Random, count: number): DrawnLine[] {
  const visitors = Array.from({ length: 300 }, () => random.fraction());
  const lines = Array.from({ length: count }, () => ({
    t: random.whole(-60_000, 4_400_000) / 1_000,
    u: random.pick(visitors),
    location: random.pick(["canary", "master", ""]),
    status: random.pick([200, 200, 200, 404, 500, 502]),
    ms: random.pick([20, 300, 600, 2_000]),
    brought: random.pick([true, false]),
    source: `192.0.${random.whole(0, 200)}.7`,
  }));
  return lines.sort((a, b) => a.t - b.t);
}
