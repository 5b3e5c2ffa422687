/**
 * Checks every record of a snapshot, reports those that cannot be used, and returns the arcs of the others.
 * Pure.
 */

import { type Arc, byPrecedence, isVersion, MAINTENANCE } from "../circle.ts";
import { checkRecord, VERSIONS_MAX } from "../records/check.ts";
import { RECORDS_MAX, type Snapshot, StoreError } from "../stores/store.ts";

/** A read reports this many malformed records one by one, and of the others the number. */
export const COMPLAINTS_MAX = 8;

export interface Checked {
  /** `maintenance` among them; a malformed record has rollout 0. */
  readonly arcs: readonly Arc[];
  /** Versions whose record could not be used. */
  readonly malformed: ReadonlySet<string>;
}

/**
 * Throws if the store's answer is not a snapshot, or has more than `RECORDS_MAX` records.
 *
 * @param before   the arcs of the current table
 * @param complain called for each problem; with the version if the problem is that of one record
 */
export function checkSnapshot(
  snapshot: Snapshot,
  before: readonly Arc[],
  complain: (problem: string, version?: string) => void,
): Checked {
  if (snapshot.size > RECORDS_MAX) {
    const remedy = "delete versions that no longer exist";
    throw new StoreError("malformed", `there are more than ${RECORDS_MAX} records; ${remedy}`);
  }
  const arcs: Arc[] = [];
  const malformed = new Set<string>();
  for (const [version, record] of snapshot) {
    const { arc, problem } = checkRecord(version, record.value);
    if (problem !== undefined) {
      malformed.add(version);
      if (malformed.size <= COMPLAINTS_MAX) complain(problem, arc.version);
      if (version === MAINTENANCE) {
        // Law 8: maintenance stays as it is, so the table keeps the record from before.
        const previous = before.find((known) => known.version === MAINTENANCE);
        if (previous !== undefined) arcs.push(previous);
        continue;
      }
    }
    if (isVersion(version)) arcs.push(arc);
  }
  if (malformed.size > COMPLAINTS_MAX)
    complain(`${malformed.size - COMPLAINTS_MAX} more records cannot be used`);
  if (arcs.length > VERSIONS_MAX) {
    complain(`there are more than ${VERSIONS_MAX} versions; the last ones by name are ignored`);
    // Sorted, because every daemon of a fleet must ignore the same ones, and the order of a snapshot may
    // differ.
    for (const { version } of arcs.sort(byPrecedence).splice(VERSIONS_MAX)) malformed.add(version);
  }
  return { arcs, malformed };
}
