/**
 * The place of one visitor on the circle, for a person who asks by the page. It is placed as a request would
 * be, by the same table, and is not counted as a decision.
 */

import { assignmentOfKey, assignmentOfText } from "../assignment.ts";
import { isMaintenanceOn } from "../circle.ts";
import { REASONS, type Reason } from "../placement.ts";
import type { Rollout } from "../rollout.ts";

/** A longer key is refused. */
export const KEY_LENGTH_MAX = 256;

export interface PlaceNews {
  readonly assignment: number;
  /** `master`, or the name of a version. */
  readonly location: string;
  readonly reason: Reason;
  /** The sentence of the reason, without the marks of a page of the documentation. */
  readonly sentence: string;
  /** Whether the proxy shows its maintenance page instead. */
  readonly isInMaintenance: boolean;
}

/**
 * @param query `application=website&assignment=0.42`, or with `key` in place of the assignment
 * @returns a sentence if it cannot be answered
 */
export function placeOf(rollout: Rollout, query: string, nowMs: number): PlaceNews | string {
  const fields = new URLSearchParams(query);
  const name = fields.get("application");
  const table = name === null ? rollout.first : rollout.table(name);
  if (table === undefined) return "this daemon does not serve that application: its visitors go to master";
  const key = fields.get("key");
  if (key !== null && (key === "" || key.length > KEY_LENGTH_MAX)) {
    return `write a key of 1 to ${KEY_LENGTH_MAX} characters`;
  }
  const assignment = key === null ? assignmentOfText(fields.get("assignment") ?? "") : assignmentOfKey(key);
  if (Number.isNaN(assignment)) return "write a number from 0 to less than 1, such as 0.42";
  const { location, reason } = table.locate(assignment, nowMs);
  return {
    ...{ assignment, location, reason, sentence: REASONS[reason].replaceAll("`", "") },
    isInMaintenance: isMaintenanceOn(table.arcs),
  };
}
