/** Whether the arcs of an application are as they were, and which versions are not. Pure. */

import { type Arc, byPrecedence, isSameArc } from "../circle.ts";

/** @param sorted in the order of a table */
export function areSame(sorted: readonly Arc[], arcs: readonly Arc[]): boolean {
  if (sorted.length !== arcs.length) return false;
  return arcs.toSorted(byPrecedence).every((arc, index) => isKept(sorted[index], arc));
}

/** Versions that are new or different. */
export function changed(before: readonly Arc[], after: readonly Arc[]): string[] {
  const known = new Map(before.map((arc) => [arc.version, arc]));
  return after.filter((arc) => !isKept(known.get(arc.version), arc)).map(({ version }) => version);
}

function isKept(before: Arc | undefined, after: Arc): boolean {
  return before !== undefined && isSameArc(before, after);
}
