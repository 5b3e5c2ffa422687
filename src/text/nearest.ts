import { distance } from "fastest-levenshtein";

/** Only the beginning of a longer name is compared. */
const COMPARED_MAX = 64;

/** The candidate that a misspelt name probably means; undefined if none is near. Case does not count. */
function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const written = name.slice(0, COMPARED_MAX).toLowerCase();
  const farthest = Math.max(1, Math.ceil(written.length / 3));
  const best = candidates
    .map((candidate) => ({ candidate, changes: distance(written, candidate.toLowerCase()) }))
    .sort((a, b) => a.changes - b.changes)[0];
  return best !== undefined && best.changes <= farthest ? best.candidate : undefined;
}

/**
 * The remedy for a misspelt name: the name that it probably means.
 *
 * @returns `; did you mean -delay?`, or an empty text if no name is near
 */
export function nearest(name: string, candidates: readonly string[], prefix = ""): string {
  const meant = nearestName(name, candidates);
  return meant === undefined ? "" : `; did you mean ${prefix}${meant}?`;
}
