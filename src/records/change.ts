/**
 * The policy of writing a rollout: what is written, and what is refused. Pure: it gets a snapshot, and
 * returns what to do with it. `write.ts` does it; the command line, and whatever else writes, say it in their
 * own words.
 *
 * The rules:
 *   - A version that is not there is a misspelling, unless the change says that it is new. A misspelt
 *     rollback must not look like one that went well.
 *   - `expect` refuses if the rollout is another one by now.
 *   - A change that takes visitors from a version by an overlap is refused, unless the change allows that.
 *   - Fields that the change does not name stay as they are, whatever else the record holds.
 */

import { type Arc, type Failsafe, isSameArc, MAINTENANCE } from "../circle.ts";
import type { RecordFields, Snapshot } from "../stores/store.ts";
import { arcsOf } from "./check.ts";
import { fieldsOf } from "./fields.ts";
import { HISTORY, withPast } from "./history.ts";
import { fittingOffset, newlyTaken, type Taken } from "./share.ts";
import { type ShownRecord, shownRecord } from "./shown.ts";

/** The author, the time and the reason of a write: part of every record that is written. */
export interface Signature {
  /** `user@host`. */
  readonly author: string;
  readonly at: Date;
  readonly why: string | undefined;
}

/** A wanted change of one record. An undefined field stays as it is. */
export interface Change {
  readonly application: string;
  readonly version: string;
  /** In [0, 1]. */
  readonly rollout: number;
  readonly offset: number | undefined;
  readonly failsafe: Failsafe | undefined;
  /** The rollout that has to be there now. */
  readonly expect: number | undefined;
  /** Whether the record may be new. */
  readonly isNew: boolean;
  /** Whether the version may take visitors from another one, or lose them to it. */
  readonly mayOverlap: boolean;
  readonly signature: Signature;
}

/** Why nothing is written. */
export type Refusal =
  /** The application has no records at all. */
  | { readonly code: "no-application" }
  | { readonly code: "no-version"; readonly versions: readonly string[] }
  | { readonly code: "unexpected"; readonly before: ShownRecord | null; readonly expected: number }
  | { readonly code: "still-malformed"; readonly problem: string }
  | {
      readonly code: "overlap";
      readonly taken: readonly Taken[];
      /** Another place of the circle without an overlap, if there is one. */
      readonly offset: number | undefined;
      /** Whether the version has visitors already, who would change with the offset. */
      readonly hasVisitors: boolean;
    }
  /** A removal takes visitors from a version. */
  | { readonly code: "in-use"; readonly before: ShownRecord };

export type Plan =
  | {
      readonly kind: "write";
      readonly fields: RecordFields;
      /** The revision to compare with; null: there must be no record. */
      readonly expected: string | null;
      readonly before: ShownRecord | null;
      /** Without its new revision. */
      readonly after: ShownRecord;
    }
  /** The store holds the wanted values already. */
  | { readonly kind: "same"; readonly before: ShownRecord }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * @param snapshot       all records of the application
 * @param keepsHistory   whether the engine remembers what records were; otherwise the record itself has to
 */
export function planChange(change: Change, snapshot: Snapshot, keepsHistory: boolean): Plan {
  const { application, version } = change;
  const record = snapshot.get(version);
  const refused = (refusal: Refusal): Plan => ({ kind: "refused", refusal });
  if (snapshot.size === 0 && !change.isNew) return refused({ code: "no-application" });
  if (record === undefined && !change.isNew && !isBuiltIn(change)) {
    return refused({ code: "no-version", versions: [...snapshot.keys()] });
  }
  const before = record === undefined ? null : shownRecord(application, version, record);
  if (change.expect !== undefined && change.expect !== (before?.rollout ?? 0)) {
    return refused({ code: "unexpected", before, expected: change.expect });
  }
  const known = fieldsOf(record?.value);
  const past = keepsHistory || record === undefined ? {} : { [HISTORY]: withPast(known) };
  const fields = { ...changedFields(change), ...past };
  const revision = record?.revision ?? null;
  const after = shownRecord(application, version, { value: { ...known, ...fields }, revision: "" });
  if (after.problem !== undefined) return refused({ code: "still-malformed", problem: after.problem });
  if (before !== null && before.problem === undefined && isSameArc(before, after)) {
    return { kind: "same", before };
  }
  const overlap = change.mayOverlap ? undefined : overlapOf(after, snapshot);
  return overlap === undefined
    ? { kind: "write", fields, expected: revision, before, after }
    : refused(overlap);
}

/** Whether a change takes visitors back to what is proven, and so should not give way to another writer. */
export function isDown({
  version,
  rollout,
  expect,
}: Pick<Change, "version" | "rollout" | "expect">): boolean {
  return expect === undefined && rollout === (version === MAINTENANCE ? 1 : 0);
}

/** The version `maintenance` is a word of this program's: a misspelt one would be another word. */
function isBuiltIn({ version }: Change): boolean {
  return version === MAINTENANCE;
}

function changedFields({ rollout, offset, failsafe, signature }: Change): RecordFields {
  return {
    rollout,
    ...(offset === undefined ? {} : { offset }),
    ...(failsafe === undefined ? {} : { failsafe }),
    ...signedBy(signature),
  };
}

function signedBy({ author, at, why }: Signature): Readonly<Record<string, unknown>> {
  return { updatedBy: author, updatedAt: at.toISOString(), why };
}

function overlapOf(after: Arc, snapshot: Snapshot): Refusal | undefined {
  const before = arcsOf(snapshot);
  const others = before.filter(({ version }) => version !== after.version);
  const taken = newlyTaken(before, [...others, after]).filter(
    ({ by, from }) => by === after.version || from === after.version,
  );
  if (taken.length === 0) return undefined;
  const hasVisitors = before.some(({ version, rollout }) => version === after.version && rollout > 0);
  return { code: "overlap", taken, offset: fittingOffset(after, others), hasVisitors };
}

/** A wanted removal of one record. */
export interface Removal {
  readonly application: string;
  readonly version: string;
  readonly expect: number | undefined;
  /** Whether a version may be removed that still has visitors; they go to master. */
  readonly isForced: boolean;
  readonly signature: Signature;
}

export type RemovalPlan =
  | {
      readonly kind: "remove";
      readonly expected: string;
      readonly before: ShownRecord;
      /** Written before the removal if the engine remembers: the author and the reason of the removal. */
      readonly farewell: RecordFields | undefined;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** As `planChange`, for a removal. */
export function planRemoval(removal: Removal, snapshot: Snapshot, keepsHistory: boolean): RemovalPlan {
  const { application, version, expect } = removal;
  const record = snapshot.get(version);
  const refused = (refusal: Refusal): RemovalPlan => ({ kind: "refused", refusal });
  if (snapshot.size === 0) return refused({ code: "no-application" });
  if (record === undefined) return refused({ code: "no-version", versions: [...snapshot.keys()] });
  const before = shownRecord(application, version, record);
  if (expect !== undefined && expect !== before.rollout) {
    return refused({ code: "unexpected", before, expected: expect });
  }
  if (before.rollout > 0 && !removal.isForced) return refused({ code: "in-use", before });
  const farewell = keepsHistory ? { rollout: 0, ...signedBy(removal.signature) } : undefined;
  return { kind: "remove", expected: record.revision, before, farewell };
}
