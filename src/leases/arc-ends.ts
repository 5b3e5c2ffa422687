/**
 * Where an arc begins and ends, in a form that HAProxy can compare with. HAProxy knows no fractions, but it compares texts, and
 * decimals without an exponent have the same order as texts and as numbers.
 *
 * The ends are found by a search among all numbers of eighteen decimals, with the function that the daemon decides with.
 * Rounding is monotone, so the numbers that an arc covers are neighbours, and HAProxy places each of them as the daemon does. Eighteen are more than the shortest spelling of a number has, from 0.01 on.
 */

import { covers } from "../circle.ts";

const DECIMALS = 18;

/** The circle, in steps of 10^-18. */
const STEPS = 10n ** BigInt(DECIMALS);

/** A visitor is in the arc while from <= assignment < to, or assignment < around. */
export interface ArcEnds {
  readonly from: string;
  readonly to: string;
  /** Of an arc that goes over the end of the circle; else `0`. */
  readonly around: string;
}

/**
 * @param offset  in [0, 1)
 * @param rollout in [0, 1]
 */
export function arcEnds(offset: number, rollout: number): ArcEnds {
  const isOutside = (step: bigint) => !covers(offset, rollout, Number(spellStep(step)));
  const from = rollout === 1 ? 0n : firstStep(0n, STEPS, (step) => Number(spellStep(step)) >= offset);
  const to = firstStep(from, STEPS, isOutside);
  const around = firstStep(0n, from, isOutside);
  return { from: spellStep(from), to: spellStep(to), around: spellStep(around) };
}

/** The ends of arcs that were looked for before. A search takes some hundred steps, and arcs seldom change. */
export class KnownEnds {
  #known = new Map<string, ArcEnds>();
  #used = new Map<string, ArcEnds>();

  of(offset: number, rollout: number): ArcEnds {
    const name = `${rollout}@${offset}`;
    const ends = this.#used.get(name) ?? this.#known.get(name) ?? arcEnds(offset, rollout);
    this.#used.set(name, ends);
    return ends;
  }

  /** Forgets what was not asked for since the last time. */
  sweep(): void {
    this.#known = this.#used;
    this.#used = new Map();
  }
}

/** In [0, 1], with no zeros at its end: a text that begins like another one and is longer is greater. */
export function spellStep(step: bigint): string {
  if (step === STEPS) return "1";
  return `0.${step.toString().padStart(DECIMALS, "0")}`.replace(/\.?0+$/, "");
}

/** The first step in [from, to) for which `isReached` is true; it is true for all later ones. `to` if there is none. */
function firstStep(from: bigint, to: bigint, isReached: (step: bigint) => boolean): bigint {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) / 2n;
    if (isReached(middle)) high = middle;
    else low = middle + 1n;
  }
  return low;
}
