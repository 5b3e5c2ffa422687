import { distance } from "fastest-levenshtein";

/**
 * The remedy for a misspelt name: the one that was probably meant.
 *
 * @returns `; did you mean -delay?`, or nothing where no name is near
 */
export function nearest(name: string, candidates: readonly string[], prefix = ""): string {
  const comparedMax = 64;
  const written = name.slice(0, comparedMax);
  const farthest = Math.max(1, Math.ceil(written.length / 3));
  const best = candidates
    .map((candidate) => ({ candidate, changes: distance(written, candidate) }))
    .sort((a, b) => a.changes - b.changes)[0];
  return best !== undefined && best.changes <= farthest ? `; did you mean ${prefix}${best.candidate}?` : "";
}
