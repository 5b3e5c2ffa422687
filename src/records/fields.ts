/** A record as people see it: its fields, checked as the daemon checks them, with its author. Pure. */

import { type Arc, MAINTENANCE } from "../circle.ts";
import type { StoreRecord } from "../stores/store.ts";
import { checkRecord } from "./check.ts";

/** A record's fields, whatever the store holds; empty if that is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "number") return { rollout: value };
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** A record for people, and as JSON. */
export interface ShownRecord extends Arc {
  readonly application: string;
  readonly revision: string;
  readonly updatedBy?: string;
  readonly updatedAt?: string;
  /** Why it counts as rollout 0. */
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

/** Whether two records decide alike: everything that a daemon acts upon is the same. */
export function isSameArc(a: Arc, b: Arc): boolean {
  return a.rollout === b.rollout && a.offset === b.offset && a.failsafe === b.failsafe;
}

/**
 * Whether an arc holds while some visitors are still at master. That is rarely meant: if the store is lost, such a canary
 * stays where it is, and cannot be taken back.
 */
export function isHoldingPart({ version, rollout, failsafe }: Arc): boolean {
  return failsafe === "hold" && version !== MAINTENANCE && rollout > 0 && rollout < 1;
}
