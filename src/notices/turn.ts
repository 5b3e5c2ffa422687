/**
 * The order in which the controllers of a release send one notice. Pure.
 *
 * Each controller would send it, and marks it in the evidence as told. A controller waits until those before
 * it have had the time for both. So a receiver rarely gets a notice twice, and a controller that died costs a
 * few seconds.
 */

import { assignmentOfKey } from "../assignment.ts";

/** A controller waits for at most this many others. */
export const TURNS_MAX = 4;

/**
 * The number of controllers that go before this one. The writer of the transition is the first, because it is
 * there and knows it. The others follow in an order that the id draws: the same on each of them.
 *
 * @param own         the name of this controller
 * @param controllers the names of all that lead the release now
 * @param by          the writer of the transition: a person with an "@", or a controller
 */
export function turnOf(own: string, controllers: readonly string[], id: string, by: string | null): number {
  if (own === by) return 0;
  const writer = by === null || by.includes("@") ? undefined : by;
  const others = new Set(writer === undefined ? controllers : [...controllers, writer]);
  const before = [...others].filter((name) => name === writer || placeOf(name, id) < placeOf(own, id));
  return Math.min(before.length, TURNS_MAX);
}

function placeOf(name: string, id: string): number {
  return assignmentOfKey(`${id} ${name}`);
}
