/**
 * The circle, cut into equal slices. Traefik draws a slice for a new visitor, and names it in the visitor's
 * cookie. So with Traefik a slice takes the place of an assignment: a visitor keeps its slice while versions
 * take slices and give them back.
 *
 * All visitors of a slice go to the location of its middle. So arcs, overlaps, offsets, `hold` and staleness
 * mean the same as in the handler, and a version gets its share to the nearest slice.
 */

import type { Table } from "../../rollout.ts";

/** The number of slices. Traefik divides visitors in steps of 0.1 %. */
export const SLICES = 1_000;

/** The location of each slice. */
export function locationsOf(table: Table, nowMs: number): readonly string[] {
  return Array.from({ length: SLICES }, (_, slice) => table.locate((slice + 0.5) / SLICES, nowMs).location);
}

/** The slices at a location, as the first and last of each run: `0-249,900-999`. Empty if there are none. */
export function runsOf(locations: readonly string[], location: string): string {
  const runs: string[] = [];
  let first = -1;
  for (let slice = 0; slice <= locations.length; slice++) {
    const isInside = locations[slice] === location;
    if (isInside && first < 0) first = slice;
    if (!isInside && first >= 0) {
      runs.push(`${first}-${slice - 1}`);
      first = -1;
    }
  }
  return runs.join(",");
}

/** Whether all slices of these runs are at the location. False for a text that `runsOf` cannot write. */
export function areAllAt(runs: string, locations: readonly string[], location: string): boolean {
  let next = 0;
  for (const run of runs.split(",")) {
    const [, first, last] = /^(\d{1,6})-(\d{1,6})$/.exec(run) ?? [];
    if (first === undefined || last === undefined) return false;
    // Each run must begin behind the one before, so no question looks at a slice twice.
    if (Number(first) < next || Number(last) < Number(first)) return false;
    for (let slice = Number(first); slice <= Number(last); slice++) {
      if (locations[slice] !== location) return false;
    }
    next = Number(last) + 1;
  }
  return true;
}
