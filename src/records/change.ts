/**
 * The rules for writing a rollout: which changes are written, and which are refused. Pure: it gets a
 * snapshot, and returns a plan. `write.ts` carries the plan out. The command line, and every other program
 * that writes, has its own words for the result.
 *
 * The rules:
 *   - A version without a record is a misspelling, unless the change says that it is new. A misspelt rollback
 *     must not look like a successful one.
 *   - `expect` refuses the change if the rollout is another one by now.
 *   - A change that takes visitors from another version by an overlap is refused, unless the change allows
 *     it.
 *   - A version with a release under way is not raised, and keeps its offset. A lower rollout pauses the
 *     release in the same write, and 0 aborts it (`beside-release.ts`).
 *   - Fields that the change does not name stay as they are, including fields that the daemon does not know.
 */

import { type Arc, type Failsafe, isSameArc, MAINTENANCE } from "../circle.ts";
import type { ReleaseProblem } from "../releases/read-release.ts";
import { isUnderWay, RELEASE, type Release } from "../releases/release.ts";
import { bare, releaseField } from "../releases/release-field.ts";
import type { Stamp } from "../releases/request.ts";
import type { RecordFields, Snapshot } from "../stores/store.ts";
import { type BesideRelease, besideRelease, type Following } from "./beside-release.ts";
import { arcsOf } from "./check.ts";
import { fieldsOf } from "./fields.ts";
import { HISTORY, withPast } from "./history.ts";
import { fittingOffset, newlyTaken, type Taken } from "./share.ts";
import { type ShownRecord, shownRecord } from "./shown.ts";

/** The author, the time and the reason of a write. Every written record has them. */
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
  /** The rollout that the record must have now, in [0, 1]. */
  readonly expect: number | undefined;
  /** Whether the record may be new. */
  readonly isNew: boolean;
  /** Whether the version may overlap another one, and so take its visitors or lose visitors to it. */
  readonly mayOverlap: boolean;
  readonly signature: Signature;
}

/** The reason why nothing is written. */
export type Refusal =
  /** The application has no records at all. */
  | { readonly code: "no-application" }
  | { readonly code: "no-version"; readonly versions: readonly string[] }
  | { readonly code: "unexpected"; readonly before: ShownRecord | null; readonly expected: number }
  | { readonly code: "still-malformed"; readonly problem: string }
  | {
      readonly code: "overlap";
      readonly taken: readonly Taken[];
      /** An offset without an overlap, if there is one. */
      readonly offset: number | undefined;
      /** Whether the version has visitors already, because a new offset would give it other visitors. */
      readonly hasVisitors: boolean;
    }
  /** The version still has visitors, and the removal would send them to master. */
  | { readonly code: "in-use"; readonly before: ShownRecord }
  /** The version has a release under way. It is led by verbs of its own. */
  | {
      readonly code: "under-way";
      readonly before: ShownRecord;
      readonly release: Release;
      readonly asked: "raise" | "offset" | "remove";
    }
  /** The version has a release of a newer program, which may be under way. */
  | { readonly code: "unreadable-release"; readonly before: ShownRecord; readonly problem: ReleaseProblem };

export type Plan =
  | {
      readonly kind: "write";
      readonly fields: RecordFields;
      /** The revision that the record must have; null if there must be no record. */
      readonly expected: string | null;
      readonly before: ShownRecord | null;
      /** Without the new revision. */
      readonly after: ShownRecord;
      /** The release that the same write aborts or pauses; undefined if it concerns none. */
      readonly following: Following | undefined;
    }
  /** The record has the wanted values already. */
  | { readonly kind: "same"; readonly before: ShownRecord }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * @param snapshot       all records of the application
 * @param keepsHistory   whether the engine remembers earlier states of records; otherwise the record itself
 *                       keeps them
 * @param stamp          for the release; undefined if the record has none
 */
export function planChange(
  change: Change,
  snapshot: Snapshot,
  keepsHistory: boolean,
  stamp: Stamp | undefined,
): Plan {
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
  const wanted = { rollout: change.rollout, offset: change.offset, why: change.signature.why };
  const beside: BesideRelease =
    stamp === undefined ? { kind: "free" } : besideRelease(version, record?.value, wanted, stamp);
  if (before !== null && beside.kind === "under-way") {
    return refused({ code: "under-way", before, release: beside.release, asked: beside.asked });
  }
  if (before !== null && beside.kind === "unreadable") {
    return refused({ code: "unreadable-release", before, problem: beside.problem });
  }
  const following = beside.kind === "follows" ? beside : undefined;
  const known = fieldsOf(record?.value);
  const past = keepsHistory || record === undefined ? {} : { [HISTORY]: withPast(known) };
  const fields = { ...followingFields(following, before), ...changedFields(change), ...past };
  const revision = record?.revision ?? null;
  const after = shownRecord(application, version, { value: { ...known, ...fields }, revision: "" });
  if (after.problem !== undefined) return refused({ code: "still-malformed", problem: after.problem });
  const isSame = before !== null && before.problem === undefined && isSameArc(before, after);
  if (isSame && following === undefined) return { kind: "same", before };
  const overlap = change.mayOverlap ? undefined : overlapOf(after, snapshot);
  return overlap === undefined
    ? { kind: "write", fields, expected: revision, before, after, following }
    : refused(overlap);
}

/** The fields by which the release follows. The fields that the person names win over these. */
function followingFields(
  following: Following | undefined,
  before: ShownRecord | null,
): Readonly<Record<string, unknown>> {
  if (following === undefined) return {};
  const { offset, failsafe } = following.back;
  const isMalformed = before?.problem !== undefined;
  return {
    ...(offset === undefined || (offset === before?.offset && !isMalformed) ? {} : { offset }),
    ...(failsafe === undefined || (failsafe === before?.failsafe && !isMalformed) ? {} : { failsafe }),
    [RELEASE]: releaseField(following.release),
  };
}

/**
 * The fields of a plan without the log of the release and without the past of the record, because the store
 * has refused the size; undefined if the write does not end a release. The way down never fails for a log.
 */
export function bareFields({
  following,
  fields,
}: Extract<Plan, { readonly kind: "write" }>): RecordFields | undefined {
  if (following === undefined || isUnderWay(following.release)) return undefined;
  const past = HISTORY in fields ? { [HISTORY]: undefined } : {};
  return { ...fields, ...past, [RELEASE]: releaseField(bare(following.release)) };
}

/**
 * Whether a change takes visitors back to safety (rollout 0, or maintenance on). Such a change does not give
 * way to another writer.
 */
export function isDown({
  version,
  rollout,
  expect,
}: Pick<Change, "version" | "rollout" | "expect">): boolean {
  return expect === undefined && rollout === (version === MAINTENANCE ? 1 : 0);
}

/** `maintenance` is a fixed word of this program, so it cannot be the misspelling of another version. */
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

/** The fields of a record with its author, time and reason. */
export function signedBy({ author, at, why }: Signature): Readonly<Record<string, unknown>> {
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
