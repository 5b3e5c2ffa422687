/** The arcs that count, after this daemon has taken back those that its overrides name. Pure. */

import { type Arc, MAINTENANCE } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";
import type { ArcOverrides } from "./reading.ts";

/**
 * @param snapshot  that the arcs are from; undefined for arcs of a saved snapshot
 * @param overrides undefined if the daemon leads no releases
 */
export function withTakenBack(
  application: string,
  arcs: readonly Arc[],
  snapshot: Snapshot | undefined,
  overrides: ArcOverrides | undefined,
): readonly Arc[] {
  if (overrides === undefined) return arcs;
  return arcs.map((arc) => {
    if (arc.rollout === 0 || arc.version === MAINTENANCE) return arc;
    const value = snapshot?.get(arc.version)?.value;
    return overrides.isTakenBack(application, arc.version, value) ? { ...arc, rollout: 0 } : arc;
  });
}
