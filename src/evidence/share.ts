/**
 * A proxy with much traffic reports bad outcomes always, and good ones of a share of the assignments only.
 * The share is by the digits of the assignment from the sixth decimal on, so that each proxy can cut it out
 * of the text, and every arc has its part of it. Pure.
 */

/** Whether good outcomes of this assignment are reported by a proxy with this share. */
export function isInShare(assignment: number, share: number): boolean {
  if (share >= 1) return true;
  const shifted = assignment * 1e5;
  return shifted - Math.floor(shifted) < share;
}
