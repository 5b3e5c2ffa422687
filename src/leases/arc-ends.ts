/**
 * The begin and end of an arc, in a form that HAProxy and Apache can compare with. HAProxy has no fractions,
 * but both compare texts, and decimals without an exponent have the same order as texts and as numbers.
 *
 * The ends are searched among all numbers of eighteen decimals, with the function by which the daemon
 * decides. Rounding is monotone, so the numbers in an arc are neighbours, and the proxy places each of them
 * as the daemon does. The shortest spelling of a number from 0.01 on has at most eighteen decimals.
 */

import { covers } from "../circle.ts";

const DECIMALS = 18;

/** The circle, in steps of 10^-18. */
const STEPS = 10n ** BigInt(DECIMALS);

/** A visitor is in the arc if from <= assignment < to, or if assignment < around. */
export interface ArcEnds {
  readonly from: string;
  readonly to: string;
  /** The end of an arc that goes over the end of the circle; `0` for other arcs. */
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

/** Remembers the ends of arcs. A search takes some hundred steps, and arcs seldom change. */
export class KnownEnds {
  #known = new Map<string, ArcEnds>();
  #used = new Map<string, ArcEnds>();

  of(offset: number, rollout: number): ArcEnds {
    const name = `${rollout}@${offset}`;
    const ends = this.#used.get(name) ?? this.#known.get(name) ?? arcEnds(offset, rollout);
    this.#used.set(name, ends);
    return ends;
  }

  /** Forgets the arcs that were not asked for since the last sweep. */
  sweep(): void {
    this.#known = this.#used;
    this.#used = new Map();
  }
}

/**
 * A step in [0, 1] as a decimal, without zeros at its end. So if a text begins like another one and is
 * longer, its number is greater too.
 */
export function spellStep(step: bigint): string {
  if (step === STEPS) return "1";
  return `0.${step.toString().padStart(DECIMALS, "0")}`.replace(/\.?0+$/, "");
}

/**
 * The first step in [from, to) for which `isReached` is true; `to` if there is none. It is true for all later
 * steps.
 */
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
