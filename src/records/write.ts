/**
 * Carries out the plans of `change.ts`: reads, writes with compare-and-set, and returns the outcome. It does
 * not depend on the command line. It rejects with the store's own error if the store cannot be read, or if
 * that error says that nothing was written.
 *
 * A change that takes visitors back (`isDown`) does not give way to other writers. After each conflict it is
 * planned again, from the current record, and written again. It ends when it is written or refused, or when
 * the caller's signal is aborted.
 *
 * If the answer to a write is lost, the store is read again. The record has its author, and its time to the
 * millisecond, so it shows whether the write arrived. If another writer wrote in the meantime, that cannot be
 * seen any more.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Stamp } from "../releases/request.ts";
import { type Snapshot, type Store, StoreError, type StoreRecord, type Written } from "../stores/store.ts";
import type { Following } from "./beside-release.ts";
import { bareFields, type Change, isDown, type Plan, planChange, type Refusal } from "./change.ts";
import { fieldsOf } from "./fields.ts";
import { hasRelease } from "./release-in.ts";
import { planRemoval, type Removal } from "./removal.ts";
import { type ShownRecord, shownRecord } from "./shown.ts";

/** The longest wait between two attempts of a change that does not give way. */
const RETRY_PAUSE_MS = 20;

/** A change that does not give way is tried again this often if the store fails to write, but can be read. */
const FAILURES_MAX = 3;

/** The time limit of the read that finds out whether a write arrived. */
export const LOOK_AGAIN_MS = 2_000;

/** The time and the chance that a write needs. */
export interface WriteMeans {
  readonly now: () => Date;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves after some milliseconds. */
  readonly pause: (ms: number) => Promise<unknown>;
  /** Aborts after some milliseconds. */
  readonly timeLimit: (ms: number) => AbortSignal;
}

const SYSTEM_MEANS: WriteMeans = {
  now: () => new Date(),
  random: Math.random,
  pause: (ms) => sleep(ms),
  timeLimit: (ms) => AbortSignal.timeout(ms),
};

/** The outcome of a change. */
export type WriteOutcome =
  | {
      readonly kind: "written";
      readonly before: ShownRecord | null;
      readonly after: ShownRecord;
      /** Number of conflicts with other writers before this change was written. */
      readonly conflicts: number;
      /** All records before the change. */
      readonly snapshot: Snapshot;
      /** The release that the same write aborted or paused; undefined if it concerned none. */
      readonly following: Following | undefined;
    }
  /** The record has the wanted values already. */
  | { readonly kind: "same"; readonly before: ShownRecord; readonly snapshot: Snapshot }
  | Unwritten;

/** The outcome of a removal. */
export type RemovalOutcome =
  | { readonly kind: "removed"; readonly before: ShownRecord; readonly snapshot: Snapshot }
  | Unwritten;

/** Nothing was written, or it is unknown whether the change was written. */
export type Unwritten =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** Another writer was first. `current` is null if the record is gone. */
  | { readonly kind: "conflict"; readonly current: ShownRecord | null }
  /** The store is read-only, or cannot remove records. */
  | { readonly kind: "read-only" }
  /** The store failed during the write, and a read afterwards shows that nothing was written. */
  | { readonly kind: "failed"; readonly error: StoreError }
  /** The store failed during the write and cannot be read, so the write may have arrived. */
  | { readonly kind: "unsure"; readonly error: StoreError };

/**
 * Writes a change. If it rejects with a `StoreError`, nothing was written.
 *
 * @param stampOf makes the stamp of one attempt; called if the record has a release
 */
export async function writeChange(
  first: Change,
  store: Store,
  signal: AbortSignal,
  stampOf: () => Promise<Stamp>,
  means = SYSTEM_MEANS,
): Promise<WriteOutcome> {
  const { application, version } = first;
  const { write } = store;
  if (write === undefined) return { kind: "read-only" };
  let change = first;
  let failures = 0;
  for (let conflicts = 0; ; conflicts++) {
    const snapshot = await store.read(application, signal);
    const stamp = hasRelease(snapshot.get(version)?.value) ? await stampOf() : undefined;
    const plan = planChange(change, snapshot, store.history !== undefined, stamp);
    if (plan.kind === "refused") {
      // The first attempt found the record, so another writer has removed it since. It counts as 0.
      if (conflicts > 0 && plan.refusal.code !== "overlap") return { kind: "conflict", current: null };
      return plan;
    }
    if (plan.kind === "same") return { ...plan, snapshot };
    const { before, after, following } = plan;
    const done = (revision: string): WriteOutcome => ({
      ...{ kind: "written", before, after: { ...after, revision } },
      ...{ conflicts: conflicts - failures, snapshot, following },
    });
    try {
      const written = await writePlan(plan, application, version, write.bind(store), signal);
      if (written.ok) return done(written.revision);
      if (!isDown(change)) return { kind: "conflict", current: shown(change, written.current) };
    } catch (error) {
      const found = await lookAgain(change, store, error, means);
      if (found.kind !== "known") return found;
      if (isSigned(found.record, change)) return done(found.record?.revision ?? "");
      const isUntouched = (found.record?.revision ?? null) === plan.expected;
      if (!isUntouched && !isDown(change)) return { kind: "unsure", error: found.error };
      if (!isDown(change) || ++failures > FAILURES_MAX) return { kind: "failed", error: found.error };
    }
    await means.pause(RETRY_PAUSE_MS * means.random());
    signal.throwIfAborted();
    // A new time, because this write comes after the other one.
    change = { ...first, signature: { ...first.signature, at: means.now() } };
  }
}

type Write = NonNullable<Store["write"]>;

/** One write. If the store refuses its size, the end of a release is written again without its log. */
async function writePlan(
  plan: Extract<Plan, { readonly kind: "write" }>,
  application: string,
  version: string,
  write: Write,
  signal: AbortSignal,
): Promise<Written> {
  const { fields, expected } = plan;
  try {
    return await write(application, version, fields, expected, signal);
  } catch (error) {
    const shorter = error instanceof StoreError && error.code === "refused" ? bareFields(plan) : undefined;
    if (shorter === undefined) throw error;
    return write(application, version, shorter, expected, signal);
  }
}

/** Removes a record. If it rejects with a `StoreError`, the record is still there. */
export async function removeRecord(
  removal: Removal,
  store: Store,
  signal: AbortSignal,
): Promise<RemovalOutcome> {
  const { application, version } = removal;
  const { write, remove } = store;
  if (remove === undefined || write === undefined) return { kind: "read-only" };
  const snapshot = await store.read(application, signal);
  const plan = planRemoval(removal, snapshot, store.history !== undefined);
  if (plan.kind === "refused") return plan;
  const { before } = plan;
  let expected = plan.expected;
  if (plan.farewell !== undefined) {
    const written = await write.call(store, application, version, plan.farewell, expected, signal);
    if (!written.ok) return { kind: "conflict", current: shown(removal, written.current) };
    expected = written.revision;
  }
  try {
    const removed = await remove.call(store, application, version, expected, signal);
    return removed.ok
      ? { kind: "removed", before, snapshot }
      : { kind: "conflict", current: shown(removal, removed.current) };
  } catch (error) {
    const found = await lookAgain(removal, store, error, SYSTEM_MEANS);
    if (found.kind !== "known") return found;
    if (found.record === undefined) return { kind: "removed", before, snapshot };
    return { kind: found.record.revision === expected ? "failed" : "unsure", error: found.error };
  }
}

function shown(
  { application, version }: Pick<Change, "application" | "version">,
  current: StoreRecord | undefined,
): ShownRecord | null {
  return current === undefined ? null : shownRecord(application, version, current);
}

/**
 * Reads the record after a write that failed. Rejects with the error of the write if that says that nothing
 * was written: refused, denied, missing.
 */
async function lookAgain(
  { application, version }: Pick<Change, "application" | "version">,
  store: Store,
  error: unknown,
  { timeLimit }: WriteMeans,
): Promise<
  | { readonly kind: "known"; readonly record: StoreRecord | undefined; readonly error: StoreError }
  | { readonly kind: "unsure"; readonly error: StoreError }
> {
  if (!(error instanceof StoreError)) throw error;
  if (error.code !== "unavailable" && error.code !== "malformed") throw error;
  try {
    const snapshot = await store.read(application, timeLimit(LOOK_AGAIN_MS));
    return { kind: "known", record: snapshot.get(version), error };
  } catch {
    return { kind: "unsure", error };
  }
}

function isSigned(record: StoreRecord | undefined, { signature }: Change): boolean {
  const { updatedBy, updatedAt } = fieldsOf(record?.value);
  return updatedBy === signature.author && updatedAt === signature.at.toISOString();
}
