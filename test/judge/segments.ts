/** Segments, as the vectors write them and as the properties draw them. */

import type { Segment } from "../../src/judge/segment.ts";
import type { Random } from "../support/random.ts";

/** Segments of the vectors: `[rollout, control, canary, master]`. */
export function segmentsOf(lists: readonly (readonly number[])[]): Segment[] {
  return lists.map(([rollout, control, canary, master]) => {
    if (rollout === undefined || control === undefined || canary === undefined || master === undefined)
      throw new Error("a segment has four numbers");
    return { rollout, control, canary, master };
  });
}

/** Up to 40 segments of any arcs, and counts of any size up to a million. */
export function anySegments(random: Random): Segment[] {
  return Array.from({ length: random.whole(1, 40) }, () => anySegment(random));
}

export function anySegment(random: Random): Segment {
  const rollout = random.pick([0, 1, 1e-6, 0.001, 0.01, 0.05, 0.25, 0.5, 0.999999, random.fraction()]);
  return { rollout, control: 1 - rollout, canary: anyCount(random), master: anyCount(random) };
}

/** Small counts as often as large ones. */
export function anyCount(random: Random): number {
  return Math.floor(random.pick([0, 1, 10, 100, 1_000, 1_000_000]) * random.fraction());
}
