/** The four canaries of the demo: how each behaves, and how its release should end. Plain data, and pure. */

export const CANARIES = ["broken", "slow", "crash", "fine"] as const;
export type CanaryKind = (typeof CANARIES)[number];

/** A visitor in ten meets the errors of a broken canary, and one in four the delay of a slow one. */
export const BROKEN_ONE_IN = 10;
export const SLOW_ONE_IN = 4;

/** A reply of the slow canary takes this long. The plan's bound of slowness is well below it. */
export const SLOW_MS = 1_000;
export const SLOW_BOUND_MS = 500;

/** The server of the canary `crash` ends this long after the second step has begun. */
export const CRASH_AFTER_MS = 12_000;
export const CRASH_STEP = 2;

/**
 * The plan goes by the clock. The judge leaves out the first ten seconds of each step, so a step that should
 * be judged lasts longer.
 */
export const STEPS = ["2%:15s", "10%:20s", "50%:20s", "100%:5s"] as const;

/** The wait of the last step. The story finishes the release after it. */
export const BAKE_MS = 5_000;

interface Canary {
  /** The behaviour of version 2, as the end of a sentence. */
  readonly behaviour: string;
  /** The state in which the release should end. */
  readonly end: "aborted" | "finished";
}

export const CANARY_OF: Readonly<Record<CanaryKind, Canary>> = {
  broken: { behaviour: "it fails for one visitor in ten", end: "aborted" },
  slow: { behaviour: "it is slow for one visitor in four", end: "aborted" },
  crash: { behaviour: "its server dies in the middle", end: "aborted" },
  fine: { behaviour: "nothing is wrong with it", end: "finished" },
};

/** The result of one request. */
export type Fate = "served" | "failed" | "delayed";

/**
 * The fate of each request of a visitor. The same visitor has the same fate, so a reload does not help.
 *
 * @param assignment the text that the proxy passed on; null or empty if the daemon has not decided
 */
export function fateOf(kind: CanaryKind, assignment: string | null): Fate {
  if (assignment === null || assignment === "") return "served";
  // Decimals of the assignment that no arc looks at.
  const lot = Math.floor(Number(assignment) * 1_000_000) % 100;
  if (kind === "broken") return lot % BROKEN_ONE_IN === 0 ? "failed" : "served";
  if (kind === "slow") return lot % SLOW_ONE_IN === 0 ? "delayed" : "served";
  return "served";
}
