/** The seed of the random draws of a whole run. `SEED` gives it; `test/support/random.ts` draws from it. */

const SEEDS = 2 ** 32;

/** @param given the value of `SEED`, if it is set */
export function seedOf(given: string | undefined): number {
  const seed = Number(given || Number.NaN);
  return Number.isInteger(seed) ? seed : Math.floor(Math.random() * SEEDS);
}
