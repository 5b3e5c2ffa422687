/** The contract of a site's traffic in a simulated release. */

/** The arc of the canary in a step. */
export interface CanaryArc {
  readonly offset: number;
  readonly rollout: number;
}

/** An outcome that is an error. A traffic may fill in the same object for each of them. */
export interface BadOutcome {
  readonly atMs: number;
  /** A number of the visitor, below 2^32. Each request of the visitor has the same one. */
  readonly visitor: number;
  readonly assignment: number;
  /** The visitor came with its assignment. */
  readonly isBrought: boolean;
  /** The canary did it: with master there had been no error. */
  readonly isByCanary: boolean;
}

/** The traffic of one run, from the time 0 on. Times go forward alone. */
export interface Traffic {
  /** Begins a step: from now on the canary has this arc. */
  beginStep(atMs: number, arc: CanaryArc): void;
  /** The next error before this time; undefined if there is none. */
  nextBad(beforeMs: number): BadOutcome | undefined;
  /** The visitors of the whole circle who came between the beginning of the step and this time. */
  visitorsUntil(atMs: number): number;
}

/** Makes the traffic of a run. */
export interface Site {
  /**
   * @param seed of this run: the visitors' assignments, and all draws
   * @param psi how many times as many errors the canary has as master; 1 if it is sound
   */
  traffic(seed: number, psi: number): Traffic;
}
