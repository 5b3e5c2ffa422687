/**
 * What of a snapshot can be used: every record is checked, what cannot be used is told, and the arcs of the rest come out. Pure.
 */

import { type Arc, byPrecedence, isVersion, MAINTENANCE } from "../circle.ts";
import { checkRecord, VERSIONS_MAX } from "../records/check.ts";
import { RECORDS_MAX, type Snapshot, StoreError } from "../stores/store.ts";

/** A read tells of this many malformed records, and then of their number. */
export const COMPLAINTS_MAX = 8;

export interface Checked {
  /** `maintenance` among them; a malformed record has rollout 0. */
  readonly arcs: readonly Arc[];
  /** Versions whose record could not be used. */
  readonly malformed: ReadonlySet<string>;
}

/**
 * Throws if the store answered with what is no snapshot, or with more records than any application has.
 *
 * @param before   the arcs that the table has now
 * @param complain told of what cannot be used, and of whose record it is where it is one alone
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
        // Law 8: the switch stays as it is, so that is what the table shows.
        const previous = before.find((known) => known.version === MAINTENANCE);
        if (previous !== undefined) arcs.push(previous);
        continue;
      }
    }
    if (isVersion(version)) arcs.push(arc);
  }
  if (malformed.size > COMPLAINTS_MAX) complain(`and ${malformed.size - COMPLAINTS_MAX} more records`);
  if (arcs.length > VERSIONS_MAX) {
    complain(`there are more than ${VERSIONS_MAX} versions; those that come last by name are ignored`);
    // Sorted, so that every daemon of a fleet ignores the same ones, in whatever order they were read.
    for (const { version } of arcs.sort(byPrecedence).splice(VERSIONS_MAX)) malformed.add(version);
  }
  return { arcs, malformed };
}
