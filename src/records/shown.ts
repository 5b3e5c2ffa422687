/**
 * A record for people: checked as the daemon checks it, with its author. Pure. The texts of single values are
 * here too, so that a terminal and a page use the same ones.
 */

import { type Arc, MAINTENANCE } from "../circle.ts";
import type { StoreRecord } from "../stores/store.ts";
import { rolloutText } from "../text/amounts.ts";
import { checkRecord } from "./check.ts";
import { fieldsOf } from "./fields.ts";

/** A record for people, and as JSON. */
export interface ShownRecord extends Arc {
  readonly application: string;
  readonly revision: string;
  readonly updatedBy?: string;
  readonly updatedAt?: string;
  /** The reason why the record counts as rollout 0. */
  readonly problem?: string;
}

export function shownRecord(application: string, version: string, record: StoreRecord): ShownRecord {
  const { arc, problem } = checkRecord(version, record.value);
  const { updatedBy, updatedAt } = fieldsOf(record.value);
  return {
    application,
    ...arc,
    version,
    revision: record.revision,
    ...(typeof updatedBy === "string" ? { updatedBy } : {}),
    ...(typeof updatedAt === "string" ? { updatedAt } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** A rollout as text: `5%`, or `on` and `off` for maintenance. */
export function shortRollout({ version, rollout }: Pick<Arc, "version" | "rollout">): string {
  return version === MAINTENANCE ? switchText(rollout) : rolloutText(rollout);
}

/** The same with the number that the store has: `5% (0.05)`. */
export function fullRollout({ version, rollout }: Pick<Arc, "version" | "rollout">): string {
  return version === MAINTENANCE ? switchText(rollout) : bothSpellings(rollout);
}

/** `5% (0.05)`. */
export function bothSpellings(rollout: number): string {
  return `${rolloutText(rollout)} (${rollout})`;
}

/** Maintenance is on if its rollout is above 0, as in the daemon. */
function switchText(rollout: number): "on" | "off" {
  return rollout > 0 ? "on" : "off";
}

/** The result of `fullRollout`, or `malformed`. */
export function stateText(record: ShownRecord): string {
  return record.problem === undefined ? fullRollout(record) : "malformed";
}

/** `by ada@web1 at 2026-01-02T…`; the time is left out if it is unknown. */
export function writerText({ updatedBy, updatedAt }: Pick<ShownRecord, "updatedBy" | "updatedAt">): string {
  return `by ${updatedBy ?? "an unknown writer"}${updatedAt === undefined ? "" : ` at ${updatedAt}`}`;
}
