/**
 * Randomness that can be had again: `SEED=123 bun test` repeats a run. `npm test` sets the seed, and names it
 * beside each file that failed. Without `SEED`, a process draws a seed and prints it. A property that fails
 * says it too. The generator is mulberry32: small, and good enough to find bugs with.
 */

import { seedOf } from "../../scripts/test/seed.ts";

/** A generator of its own for each test, so that one test's draws do not depend on another's. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed = seedOfRun()) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** 32 random bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Uniform in [0, 1), with all 53 bits. */
  fraction(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** A whole number from `low` to `high`, both possible. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.whole(0, from.length - 1)] as T;
  }

  /** `length` decimal digits. */
  digits(length: number): string {
    let text = "";
    while (text.length < length) text += this.whole(0, 9);
    return text;
  }
}

/** Runs `property` `times` with a generator, and adds the seed to what it throws. */
export function holds(times: number, property: (random: Random) => void): void {
  const random = new Random();
  for (let run = 0; run < times; run++) {
    try {
      property(random);
    } catch (error) {
      throw new Error(
        `run ${run} of SEED=${random.seed}: ${error instanceof Error ? error.message : error}`,
        {
          cause: error,
        },
      );
    }
  }
}

/** The seed that a test file drew for itself, because no `SEED` was given. */
let drawnSeed: number | undefined;

function seedOfRun(): number {
  const given = process.env["SEED"];
  if (given) return seedOf(given);
  if (drawnSeed === undefined) {
    drawnSeed = seedOf(undefined);
    console.error(`SEED=${drawnSeed} repeats these random draws`);
  }
  return drawnSeed;
}

/** A fraction in [0, 1) that is likely to be at the end of an arc, or near it. */
export function awkward(random: Random): number {
  const any = random.fraction();
  return random.pick([
    ...[any, any, 0, 0.5, 0.1, 0.25, 1 / 3, 1 - 2 ** -53, 2 ** -53, 2 ** -1074, any * 1e-17, any * 1e-300],
    ...[random.whole(0, 99) / 100, random.whole(0, 2 ** 20 - 1) / 2 ** 20, Math.floor(any * 1e15) / 1e15],
  ]);
}
