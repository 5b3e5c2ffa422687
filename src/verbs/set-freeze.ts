/**
 * Freezes all releases of a store, or ends the freeze, by compare-and-set.
 *
 * A freeze stops, so it is tried again until it is written. The end of a freeze lets releases go up, so it is
 * pinned to the freeze that the operator saw: it never ends one that another operator has just begun.
 */

import { fieldsOf } from "../records/fields.ts";
import { HISTORY, withPast } from "../records/history.ts";
import { type Store, StoreError, type StoreRecord } from "../stores/store.ts";
import type { Carrying } from "./carry-out.ts";
import { FREEZE, type Freeze, freezeFields, freezeIn } from "./freeze.ts";
import { timeFor } from "./look.ts";
import { LOOK_AGAIN_MS } from "./write-release.ts";

/** The longest pause between two attempts. */
const RETRY_PAUSE_MS = 20;

/** A freeze is tried again this often if the store fails to write, but can be read. */
const FAILURES_MAX = 3;

export type FreezeOutcome =
  | { readonly kind: "written"; readonly before: Freeze; readonly now: Freeze }
  /** It is so already. */
  | { readonly kind: "unchanged"; readonly now: Freeze }
  /** Another operator has frozen the releases since the first look. */
  | { readonly kind: "conflict"; readonly now: Freeze }
  | { readonly kind: "read-only" }
  /** The store failed during the write, and a read afterwards shows that nothing was written. */
  | { readonly kind: "failed"; readonly error: StoreError }
  /** The store failed during the write and cannot be read, so the write may have arrived. */
  | { readonly kind: "unsure"; readonly error: StoreError };

/**
 * @param seenAt when the freeze was written that the operator saw; undefined for the one of the first look
 * @throws {StoreError} if the store cannot be read, or says that nothing was written
 */
export async function setFreeze(
  wanted: boolean,
  carrying: Carrying,
  seenAt?: string,
): Promise<FreezeOutcome> {
  const { store, signal, author, why } = carrying;
  if (store.write === undefined) return { kind: "read-only" };
  const first = await lookAt(store, signal);
  let failures = 0;
  for (let seen = first; ; seen = await lookAt(store, signal)) {
    const { freeze: before, record } = seen;
    if (before.isFrozen === wanted) return { kind: "unchanged", now: before };
    const isOther = record?.revision !== first.record?.revision || before.at !== (seenAt ?? before.at);
    if (!wanted && isOther) return { kind: "conflict", now: before };
    const at = new Date(await timeFor(store, true, carrying));
    const fields = freezeFields(wanted, author, at, why);
    const now: Freeze = { isFrozen: wanted, by: author, at: at.toISOString(), why };
    try {
      const written = await store.write(
        FREEZE.application,
        FREEZE.version,
        { ...fields, ...pastOf(store, record) },
        record?.revision ?? null,
        signal,
      );
      if (written.ok) return { kind: "written", before, now };
    } catch (error) {
      const after = await lookAgain(error, now, record, carrying);
      if (after.kind === "arrived") return { kind: "written", before, now };
      if (after.kind === "overtaken") {
        if (!wanted) return { kind: "unsure", error: after.error };
      } else if (after.kind === "unsure" || ++failures > FAILURES_MAX) return after;
    }
    await carrying.pause(RETRY_PAUSE_MS * carrying.random());
    signal.throwIfAborted();
  }
}

interface Seen {
  readonly freeze: Freeze;
  readonly record: StoreRecord | undefined;
}

async function lookAt(store: Store, signal: AbortSignal): Promise<Seen> {
  const snapshot = await store.read(FREEZE.application, signal);
  return { freeze: freezeIn(snapshot), record: snapshot.get(FREEZE.version) };
}

/** The record keeps its past if the engine does not. */
function pastOf(store: Store, record: StoreRecord | undefined): Readonly<Record<string, unknown>> {
  if (store.history !== undefined || record === undefined) return {};
  return { [HISTORY]: withPast(fieldsOf(record.value)) };
}

/** Finds out by a read whether a write without an answer arrived. */
async function lookAgain(
  error: unknown,
  { by, at }: Freeze,
  before: StoreRecord | undefined,
  { store, timeLimit }: Carrying,
): Promise<
  | { readonly kind: "arrived" }
  | { readonly kind: "failed"; readonly error: StoreError }
  /** Another writer wrote too. */
  | { readonly kind: "overtaken"; readonly error: StoreError }
  | { readonly kind: "unsure"; readonly error: StoreError }
> {
  if (!(error instanceof StoreError)) throw error;
  if (error.code !== "unavailable" && error.code !== "malformed") throw error;
  try {
    const { freeze, record } = await lookAt(store, timeLimit(LOOK_AGAIN_MS));
    if (freeze.by === by && freeze.at === at) return { kind: "arrived" };
    return { kind: record?.revision === before?.revision ? "failed" : "overtaken", error };
  } catch {
    return { kind: "unsure", error };
  }
}
