/**
 * The circle, cut into equal slices. Traefik draws a slice for a new visitor and names it in the visitor's cookie, so a
 * slice is what an assignment is elsewhere: a visitor keeps its own while versions take slices and give them back.
 *
 * A slice is wherever its middle is. So arcs, overlaps, offsets, `hold` and staleness mean what they mean to the
 * handler, and a version gets its share to the nearest slice.
 */

import type { Table } from "../../rollout.ts";

/** How finely Traefik splits: in steps of 0.1 %. */
export const SLICES = 1_000;

/** The location of each slice. */
export function locationsOf(table: Table, nowMs: number): readonly string[] {
  return Array.from({ length: SLICES }, (_, slice) => table.locate((slice + 0.5) / SLICES, nowMs).location);
}

/** The slices at a location, as first and last of each run: `0-249,900-999`. Empty where there are none. */
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

/** Whether all slices of these runs are at the location; false for what `runsOf` does not write. */
export function areAllAt(runs: string, locations: readonly string[], location: string): boolean {
  let next = 0;
  for (const run of runs.split(",")) {
    const [, first, last] = /^(\d{1,6})-(\d{1,6})$/.exec(run) ?? [];
    if (first === undefined || last === undefined) return false;
    // Runs only go forward, so no question takes longer than to look at each slice once.
    if (Number(first) < next || Number(last) < Number(first)) return false;
    for (let slice = Number(first); slice <= Number(last); slice++) {
      if (locations[slice] !== location) return false;
    }
    next = Number(last) + 1;
  }
  return true;
}
